#pragma once

#include <memory>
#include <string>

#include "tools/basecache/command.hpp"

namespace basecache::cli {

// The line that the program was called with.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& description, const std::string& version);
  ~CommandLine();

  Command root();
  // Runs the action of the command that was given; what it throws passes through. The exit code: 0, also for --help and
  // --version, or `usage_error` when the line isn't understood; what is said then has been said.
  int run(int argc, char** argv, int usage_error);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace basecache::cli
