#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace basecache::cli {

// One command of the command line, or a group of them. What options and arguments are bound to must live until the
// command's action has run. The only includer of CLI11 is command_line.cpp: its templates cost seconds each time.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  Command command(const std::string& name, const std::string& help);
  Command group(const std::string& name, const std::string& help);  // needs one of its commands

  Command& argument(const std::string& name, std::string& value, const std::string& help);  // required
  Command& option(const std::string& name, std::string& value, const std::string& help);
  Command& option(const std::string& name, std::optional<std::uint64_t>& value, const std::string& help);
  Command& options(const std::string& name, std::vector<std::string>& values, const std::string& help);  // repeated
  Command& options(const std::string& name, std::vector<std::uint64_t>& values, const std::string& help);
  Command& flag(const std::string& name, bool& value, const std::string& help);
  Command& excludes(const std::string& one, const std::string& other);

  // Runs when the whole line has been understood.
  void action(std::function<void()> run);

 private:
  CLI::App* app_;
};

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
