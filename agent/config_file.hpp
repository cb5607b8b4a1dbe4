#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/path.hpp"

namespace basecache {

// One "name = value" of a configuration file.
struct ConfigEntry {
  std::string section;  // "DEFAULT" above the first section
  std::string name;
  std::string value;  // lines of a continued value are joined by '\n'
  unsigned line;      // of its name, counted from 1
};

// Entries in the order they stand, duplicates included. The grammar is the one nova.conf is written in
// (oslo_config/iniparser.py): "name = value" or "name: value"; '#' and ';' open a comment only at the start of a line;
// an indented line continues the value above it; one pair of quotes around a value is dropped; a line may have any
// length. Our own reader because inih, as distributions build it, cuts lines at 200 bytes and reads the rest as a line
// of its own, cuts values at " ;", and doesn't tell the line of an entry.
// `file` names the text in an Error(invalid_request).
std::vector<ConfigEntry> parse_config_text(std::string_view text, const Path& file);

// As above, from a file. Error(invalid_request) when it doesn't exist, or when everybody may write to it: who may
// write here decides which files a daemon of root's makes and removes.
std::vector<ConfigEntry> read_config_file(const Path& file);

}  // namespace basecache
