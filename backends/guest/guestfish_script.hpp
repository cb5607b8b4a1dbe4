#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/injection/guest_tree.hpp"
#include "agent/injection/injection.hpp"

namespace basecache::guest {

// What is asked of a guest before it is changed: guestfish(1) has no conditions.
struct GuestQuestions {
  std::vector<std::string> paths;  // is it there?
  std::vector<std::string> files;  // what is in it?
};
GuestQuestions questions_for(const injection::Injection& injection);

struct GuestAnswers {
  std::map<std::string, bool> has;
  std::map<std::string, std::string> files;  // those that could be read
};

// `mark`: a word that no guest could have guessed, which parts the answers.
std::string script_of(const GuestQuestions& questions, std::string_view mark);
GuestAnswers answers_from(std::string_view output, const GuestQuestions& questions, std::string_view mark);

// Takes changes down as commands of guestfish(1), instead of making them. Questions must have been asked before. Pure.
class GuestfishScript : public injection::GuestTree {
 public:
  // `mark` as above, for the names of files in between.
  GuestfishScript(GuestAnswers answers, std::string mark);

  bool has(const std::string& path) override;
  std::string read_file(const std::string& path) override;
  void make_directory(const std::string& path, mode_t mode) override;
  void write_file(const injection::FileChange& change) override;

  // The commands taken down since the last time. A failing one ends the script where `must_succeed`, else it is told.
  std::string take(bool must_succeed);

 private:
  GuestAnswers answers_;
  std::string mark_;
  std::vector<std::string> commands_;
};

}  // namespace basecache::guest
