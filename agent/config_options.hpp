#pragma once

#include <span>
#include <string>
#include <string_view>

#include "agent/config.hpp"

namespace basecache {

// How a member of Config is written in a file.
struct OptionValue {
  // Sets the member. Throws BadValue.
  void (*parse)(Config& config, std::string_view text);
  // The member, as parse takes it.
  std::string (*show)(const Config& config);
};

// One option: the one place that knows its name, its words, its default and what it is for.
struct ConfigOption {
  std::string_view section;
  std::string_view name;
  OptionValue value;
  std::string_view doc;  // one line: meaning and unit
  // A word for a default that depends on the node or on another option: "auto", "default". Else empty.
  std::string_view default_word = {};
  // Where Nova had it before; read from a nova.conf only.
  std::string_view old_section = {};
  std::string_view old_name = {};
  bool is_secret = false;  // its value is never shown
  bool adds_up = false;    // each time that a file has it, its lines come to those above
};

// Every option, in the order of the packaged file. An option stands below the ones its default depends on.
std::span<const ConfigOption> config_options();

// Nullptr when there is none.
const ConfigOption* find_option(std::string_view section, std::string_view name);

// "[section] name", as messages and comments have it.
std::string label(const ConfigOption& option);
// Its default, as a config file would have it.
std::string default_text(const ConfigOption& option);

}  // namespace basecache
