#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/config_file.hpp"
#include "agent/config_options.hpp"
#include "tests/support/scratch_dir.hpp"

// The packaged file and the table of options are written by hand, each in words for its readers; here they meet.
namespace basecache {
namespace {

// "#name = value" is an option; "# Words" is a comment.
std::string with_options_enabled(const std::string& packaged) {
  std::string enabled;
  bool at_start = true;
  for (std::size_t i = 0; i < packaged.size(); ++i) {
    const bool option =
        at_start && packaged[i] == '#' && i + 1 < packaged.size() && packaged[i + 1] >= 'a' && packaged[i + 1] <= 'z';
    at_start = packaged[i] == '\n';
    if (!option) enabled += packaged[i];
  }
  return enabled;
}

std::vector<std::string> as_lines(const std::vector<ConfigEntry>& entries) {
  std::vector<std::string> lines;
  for (const ConfigEntry& entry : entries) lines.push_back(entry.section + "." + entry.name + " = " + entry.value);
  return lines;
}

std::vector<std::string> table_as_lines() {
  std::vector<std::string> lines;
  for (const ConfigOption& option : config_options()) {
    lines.push_back(std::string(option.section) + "." + std::string(option.name) + " = " + default_text(option));
  }
  return lines;
}

}  // namespace

TEST_CASE("the packaged file sets nothing") { CHECK(read_config_file(PACKAGED_CONFIG).empty()); }

TEST_CASE("the packaged file shows every option with its default, in the order of the table") {
  const std::string enabled = with_options_enabled(test::read_file(PACKAGED_CONFIG));
  CHECK(as_lines(parse_config_text(enabled, PACKAGED_CONFIG)) == table_as_lines());
}

TEST_CASE("every option has a line that says what it is for") {
  for (const ConfigOption& option : config_options()) {
    CAPTURE(label(option));
    CHECK(option.doc.ends_with('.'));
  }
}

TEST_CASE("an option takes its own default") {
  for (const ConfigOption& option : config_options()) {
    CAPTURE(label(option));
    Config config;
    option.value.parse(config, default_text(option));
    CHECK(option.value.show(config) == option.value.show(Config{}));
  }
}

TEST_CASE("an option is found by section and name") {
  CHECK(find_option("glance", "num_retries") != nullptr);
  CHECK(find_option("DEFAULT", "num_retries") == nullptr);
}

}  // namespace basecache
