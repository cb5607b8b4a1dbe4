#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace basecache::cli {

// One command of the command line, or a group of them. What options and arguments are bound to must live until the
// command's action has run. Only command.cpp and command_line.cpp include CLI11: its templates cost seconds each time.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  Command command(const std::string& name, const std::string& help);
  Command group(const std::string& name, const std::string& help);  // needs one of its commands

  Command& argument(const std::string& name, std::string& value, const std::string& help);  // required
  Command& arguments(const std::string& name, std::vector<std::string>& values,
                     const std::string& help);  // at least one
  Command& optional_arguments(const std::string& name, std::vector<std::string>& values, const std::string& help);
  Command& option(const std::string& name, std::string& value, const std::string& help);
  Command& option(const std::string& name, std::optional<std::string>& value, const std::string& help);
  Command& option(const std::string& name, std::optional<std::uint64_t>& value, const std::string& help);
  Command& options(const std::string& name, std::vector<std::string>& values, const std::string& help);  // repeated
  Command& options(const std::string& name, std::vector<std::uint64_t>& values, const std::string& help);
  Command& flag(const std::string& name, bool& value, const std::string& help);
  Command& required(const std::string& name);
  Command& excludes(const std::string& one, const std::string& other);

  // Runs when the whole line has been understood.
  void action(std::function<void()> run);

 private:
  CLI::App* app_;
};

}  // namespace basecache::cli
