#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/injection/guest_tree.hpp"
#include "agent/injection/injection.hpp"
#include "backends/guest/guest_commands.hpp"

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

// `mark`, as of GuestCommands, parts the answers. Error(tool_failed) when they aren't all there; a file whose end is
// missing can't be read.
std::string script_of(const GuestQuestions& questions, std::string_view mark);
GuestAnswers answers_from(std::string_view output, const GuestQuestions& questions, std::string_view mark);

// Takes changes down as commands of guestfish(1), instead of making them. Questions must have been asked before. Pure.
class GuestfishScript : public injection::GuestTree {
 public:
  // `mark` as of GuestCommands.
  GuestfishScript(GuestAnswers answers, std::string mark);

  bool has(const std::string& path) override;
  std::string read_file(const std::string& path) override;
  void make_directory(const std::string& path, mode_t mode) override;
  void write_file(const injection::FileChange& change) override;

  // The commands taken down since the last time.
  GuestCommands::OfItem take(injection::ItemKind kind);

 private:
  GuestAnswers answers_;
  std::string mark_;
  std::size_t files_ = 0;  // in between, of this item
  std::string directories_;
  std::string fill_;   // new bytes, and as much room again
  std::string empty_;  // that room
  std::string change_;
};

}  // namespace basecache::guest
