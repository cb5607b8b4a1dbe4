#include "tools/basecache/command.hpp"

#include <CLI/CLI.hpp>

#include "agent/base/text.hpp"

namespace basecache::cli {
namespace {

constexpr const char* kNumber = "NUMBER";

// CLI11's own reading takes signs, blanks, and other bases.
std::uint64_t parse_number(const std::string& option, const std::string& text) {
  if (const auto number = parse_unsigned(text)) return *number;
  throw CLI::ValidationError(option, quote(text, 40) + " isn't a whole number below 2^64 in decimal digits");
}

}  // namespace

Command Command::command(const std::string& name, const std::string& help) {
  CLI::App* added = app_->add_subcommand(name, help);
  added->fallthrough();  // global options may stand behind the command too
  return Command(*added);
}

Command Command::group(const std::string& name, const std::string& help) {
  const Command added = command(name, help);
  added.app_->require_subcommand(1);
  return added;
}

Command& Command::argument(const std::string& name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help)->required();
  return *this;
}

Command& Command::arguments(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  app_->add_option(name, values, help)->required();
  return *this;
}

Command& Command::optional_arguments(const std::string& name, std::vector<std::string>& values,
                                     const std::string& help) {
  app_->add_option(name, values, help);
  return *this;
}

Command& Command::option(const std::string& name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help);
  return *this;
}

Command& Command::option(const std::string& name, std::optional<std::string>& value, const std::string& help) {
  app_->add_option_function<std::string>(
      name, [&value](const std::string& text) { value = text; }, help);
  return *this;
}

Command& Command::option(const std::string& name, std::optional<std::uint64_t>& value, const std::string& help) {
  const auto take = [name, &value](const std::string& text) { value = parse_number(name, text); };
  app_->add_option_function<std::string>(name, take, help)->type_name(kNumber);
  return *this;
}

Command& Command::options(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  app_->add_option(name, values, help)->allow_extra_args(false);
  return *this;
}

Command& Command::options(const std::string& name, std::vector<std::uint64_t>& values, const std::string& help) {
  const auto take = [name, &values](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) values.push_back(parse_number(name, text));
  };
  app_->add_option_function<std::vector<std::string>>(name, take, help)->type_name(kNumber)->allow_extra_args(false);
  return *this;
}

Command& Command::flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
  return *this;
}

Command& Command::required(const std::string& name) {
  app_->get_option(name)->required();
  return *this;
}

Command& Command::excludes(const std::string& one, const std::string& other) {
  app_->get_option(one)->excludes(app_->get_option(other));
  return *this;
}

void Command::action(std::function<void()> run) { app_->final_callback(std::move(run)); }

}  // namespace basecache::cli
