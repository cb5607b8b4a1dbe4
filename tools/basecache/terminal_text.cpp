#include "tools/basecache/terminal_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace basecache::cli {
namespace {

struct Character {
  std::size_t size = 1;  // bytes
  char32_t code = 0;
  bool is_valid = false;
};

// The first character of a text that isn't empty (RFC 3629).
Character first_of(std::string_view text) {
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};  // by size: anything less is spelt too long
  const auto lead = static_cast<std::uint8_t>(text.front());
  if (lead < 0x80) return {.size = 1, .code = lead, .is_valid = true};
  const auto size = static_cast<std::size_t>(std::countl_one(lead));
  if (size < 2 || size > 4 || size > text.size()) return {};
  char32_t code = lead & (0x7fU >> size);
  for (const char c : text.substr(1, size - 1)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte & 0xc0U) != 0x80) return {};
    code = (code << 6U) | (byte & 0x3fU);
  }
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[size] || code > 0x10ffff || is_surrogate) return {};
  return {.size = size, .code = code, .is_valid = true};
}

bool steers(char32_t code) {
  constexpr std::array kTurning{U'\u061c', U'\u200e', U'\u200f', U'\u202a', U'\u202b', U'\u202c',
                                U'\u202d', U'\u202e', U'\u2066', U'\u2067', U'\u2068', U'\u2069'};
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || std::ranges::find(kTurning, code) != kTurning.end();
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Character next = first_of(text);
    const bool stays = next.code == U'\n' || (next.is_valid && !steers(next.code));
    shown += stays ? text.substr(0, next.size) : std::string_view("?");
    text.remove_prefix(next.size);
  }
  return shown;
}

std::string one_line(std::string_view text) {
  std::string line = harmless(text);
  std::ranges::replace(line, '\n', '?');
  return line;
}

}  // namespace basecache::cli
