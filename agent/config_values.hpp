#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

namespace basecache {

// A value isn't one we take; what() completes "the value is not ...", e.g. "an absolute path". Whoever knows file, line
// and option makes an Error of it.
struct BadValue : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Without the blanks around it; line ends stay.
std::string_view trim(std::string_view text);

// Text of a configuration file to a value and back, one pair a kind of value. Each parse_* throws BadValue.

// true, yes, on, 1 and false, no, off, 0, in any case (oslo.config's words).
bool parse_flag(std::string_view text);
std::string show_flag(bool value);

std::uint64_t parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);
std::chrono::seconds parse_seconds(std::string_view text, std::chrono::seconds least);

// Absolute, without control bytes.
Path parse_absolute_path(std::string_view text);
// One component of a path: not empty, ".", "..", nor with '/'.
std::string parse_file_name(std::string_view text);

// A mode as chmod takes it: octal, permissions only.
unsigned parse_mode(std::string_view text);
std::string show_mode(unsigned mode);

// A number of bytes, with KiB, MiB, GiB or TiB after it or nothing.
Bytes parse_bytes(std::string_view text, const std::string& otherwise = "");
std::string show_bytes(Bytes size);

// Letters, digits, '-', '_' and '.': names of groups, hosts and file systems. May be empty.
std::string parse_word(std::string_view text);

// Anything on one line, without control bytes. May be empty.
std::string parse_line(std::string_view text);

// Parts of a list: separated by commas or by lines, without blanks around them; empty parts are dropped.
std::vector<std::string> split_list(std::string_view text);
std::string show_list(const std::vector<std::string>& parts);

// The same for parts that may hold commas: one a line. Shown so that the lines behind the first one continue it.
std::vector<std::string> split_lines(std::string_view text);
std::string show_lines(const std::vector<std::string>& parts);

}  // namespace basecache
