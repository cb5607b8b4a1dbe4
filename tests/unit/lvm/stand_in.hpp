#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/scratch_dir.hpp"

namespace basecache::test {

// What a program says to one of its verbs ("lvs").
struct Saying {
  std::string output = "";
  std::string errors = "";
  int status = 0;
};

// Stands in PATH before the real program of that name, while it lives. Writes down how it is called and answers by its
// first argument: what it was told to say, else nothing and success.
class StandIn {
 public:
  explicit StandIn(const std::string& program);
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn();

  void says(const std::string& verb, const Saying& saying);

  // Its calls so far, the arguments of each joined by blanks.
  std::vector<std::string> calls() const;
  std::vector<std::string> calls_of(std::string_view verb) const;
  // All that it read from its standard input.
  std::string input() const;

 private:
  ScratchDir dir_;
  std::string path_before_;
};

}  // namespace basecache::test
