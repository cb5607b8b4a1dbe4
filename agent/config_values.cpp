#include "agent/config_values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "agent/base/text.hpp"

namespace basecache {
namespace {

constexpr unsigned kPermissionBits = 0777;

struct Unit {
  std::string_view name;
  unsigned shift;
};
constexpr std::array<Unit, 4> kUnits{{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}}};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::vector<std::string> split_at(std::string_view ends, std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(ends), text.size());
    if (const std::string_view part = trim(text.substr(0, end)); !part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\f\v";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool parse_flag(std::string_view text) {
  const std::string word = lower_case(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  throw BadValue("true or false");
}

std::string show_flag(bool value) { return value ? "true" : "false"; }

std::uint64_t parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  const std::optional<std::uint64_t> number = parse_unsigned(text);
  if (!number || *number < least || *number > most) throw BadValue(fmt::format("a number from {} to {}", least, most));
  return *number;
}

std::chrono::seconds parse_seconds(std::string_view text, std::chrono::seconds least) {
  // Ten years: added to a clock's now it can't overflow.
  constexpr std::uint64_t most = 10ULL * 365 * 86400;
  const std::optional<std::uint64_t> number = parse_unsigned(text);
  if (!number || *number > most || std::chrono::seconds(*number) < least) {
    throw BadValue(fmt::format("a number of seconds from {} to {}", least.count(), most));
  }
  return std::chrono::seconds(*number);
}

Path parse_absolute_path(std::string_view text) {
  if (!text.starts_with('/') || std::ranges::any_of(text, is_control)) throw BadValue("an absolute path");
  return {std::string(text)};
}

std::string parse_file_name(std::string_view text) {
  const bool bad = text.empty() || text == "." || text == ".." || text.find('/') != std::string_view::npos ||
                   std::ranges::any_of(text, is_control);
  if (bad) throw BadValue("the name of a directory, without '/'");
  return std::string(text);
}

unsigned parse_mode(std::string_view text) {
  unsigned mode = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, mode, 8);
  if (error != std::errc{} || stop != end || mode > kPermissionBits) throw BadValue("an octal mode from 0000 to 0777");
  return mode;
}

std::string show_mode(unsigned mode) { return fmt::format("{:04o}", mode); }

Bytes parse_bytes(std::string_view text, const std::string& otherwise) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();  // what an off_t can say
  const auto* const unit = std::ranges::find_if(kUnits, [&](const Unit& each) { return text.ends_with(each.name); });
  unsigned shift = 0;
  if (unit != kUnits.end()) {
    shift = unit->shift;
    text = trim(text.substr(0, text.size() - unit->name.size()));
  }
  const std::optional<std::uint64_t> count = parse_unsigned(text);
  if (!count || *count == 0 || *count > most >> shift) {
    throw BadValue("a number of bytes above 0, e.g. 1073741824, 1024MiB or 1GiB" + otherwise);
  }
  return {*count << shift};
}

std::string show_bytes(Bytes size) {
  for (const Unit& unit : kUnits) {
    const std::uint64_t count = size.count >> unit.shift;
    if (count != 0 && count << unit.shift == size.count) return fmt::format("{}{}", count, unit.name);
  }
  return fmt::format("{}", size.count);
}

std::string parse_word(std::string_view text) {
  if (!std::ranges::all_of(text, is_word_byte)) throw BadValue("a word of letters, digits, '-', '_' and '.'");
  return std::string(text);
}

std::string parse_line(std::string_view text) {
  if (std::ranges::any_of(text, is_control)) throw BadValue("one line without control characters");
  return std::string(text);
}

std::vector<std::string> split_list(std::string_view text) { return split_at(",\n", text); }

std::string show_list(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ", ")); }

std::vector<std::string> split_lines(std::string_view text) { return split_at("\n", text); }

std::string show_lines(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, "\n  ")); }

}  // namespace basecache
