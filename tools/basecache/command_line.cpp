#include "tools/basecache/command_line.hpp"

#include <CLI/CLI.hpp>

namespace basecache::cli {

CommandLine::CommandLine(const std::string& name, const std::string& description, const std::string& version)
    : app_(std::make_unique<CLI::App>(description, name)) {
  app_->set_version_flag("--version", name + " " + version);
  app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::root() { return Command(*app_); }

int CommandLine::run(int argc, char** argv, int usage_error) {
  try {
    app_->parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : usage_error;
  }
}

}  // namespace basecache::cli
