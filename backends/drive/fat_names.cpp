#include "backends/drive/fat_names.hpp"

#include <algorithm>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::drive {
namespace {

constexpr std::size_t kBase = 8;
constexpr std::size_t kExtension = 3;
constexpr std::size_t kLongest = 255;
constexpr unsigned kMostNumbers = 999'999;
constexpr char32_t kReplacement = 0xfffd;

Error bad_name(std::string_view name, std::string_view why) {
  return Error(ErrorCode::invalid_request,
               quote(name) + " can't stand on a config drive of format vfat: " + std::string(why));
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

bool is_surrogate(char32_t point) { return point >= 0xd800 && point < 0xe000; }

// The code point that `text` begins with, which is taken off it; nothing when that isn't UTF-8.
std::optional<char32_t> next_point(std::string_view& text) {
  constexpr std::array<char32_t, 4> kLeast{0, 0x80, 0x800, 0x10000};
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t more = first < 0x80   ? 0
                           : first < 0xc0 ? 4
                           : first < 0xe0 ? 1
                           : first < 0xf0 ? 2
                           : first < 0xf8 ? 3
                                          : 4;
  if (more == 4 || text.size() <= more) return std::nullopt;
  char32_t point = more == 0 ? first : first & (0x3fU >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if (!is_continuation(text[i])) return std::nullopt;
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  if (point < kLeast[more] || point > 0x10ffff || is_surrogate(point)) return std::nullopt;
  text.remove_prefix(more + 1);
  return point;
}

void append(std::u16string& text, char32_t point) {
  if (point < 0x10000) {
    text += static_cast<char16_t>(point);
    return;
  }
  text += static_cast<char16_t>(0xd800 + ((point - 0x10000) >> 10));
  text += static_cast<char16_t>(0xdc00 + ((point - 0x10000) & 0x3ff));
}

void append(std::string& text, char32_t point) {
  const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xc0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xe0 | (point >> 12));
    for (const unsigned shift : {6U, 0U}) tail(shift);
  } else {
    text += static_cast<char>(0xf0 | (point >> 18));
    for (const unsigned shift : {12U, 6U, 0U}) tail(shift);
  }
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool fits_alias(char c) {
  constexpr std::string_view kMarks = "$%'-_@~`!(){}^#&";
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
}

struct Parts {
  std::string base, extension;
  bool is_whole = true;  // nothing but the case of letters was lost
};

// What an alias can have of that text.
std::string reduced(std::string_view text, bool& is_whole) {
  std::string left;
  for (const char c : text) {
    if (fits_alias(upper(c))) {
      left += upper(c);
      continue;
    }
    is_whole = false;
    // Blanks and further dots go, what else an alias can't have is shown to be missing; a character of several bytes
    // once.
    if (c != ' ' && c != '.' && !is_continuation(c)) left += '_';
  }
  return left;
}

Parts parts_of(std::string_view name) {
  Parts parts;
  const std::size_t dot = name.rfind('.');
  const bool has_extension = dot != name.npos && dot > 0;
  parts.base = reduced(name.substr(0, has_extension ? dot : name.npos), parts.is_whole);
  if (has_extension) parts.extension = reduced(name.substr(dot + 1), parts.is_whole);
  if (parts.base.empty() || parts.base.size() > kBase || parts.extension.size() > kExtension) parts.is_whole = false;
  return parts;
}

FatAlias alias(std::string_view base, std::string_view extension) {
  FatAlias made;
  made.fill(' ');
  std::ranges::copy(base.substr(0, kBase), made.begin());
  std::ranges::copy(extension.substr(0, kExtension), made.begin() + kBase);
  return made;
}

}  // namespace

std::u16string long_name(std::string_view name) {
  if (name.find_first_of("\"*:<>?\\|/") != name.npos) throw bad_name(name, "it has one of \"*:<>?\\| in it");
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    throw bad_name(name, "it has control characters in it");
  }
  if (name.ends_with('.') || name.ends_with(' ')) throw bad_name(name, "it ends in a dot or a blank");
  std::u16string text;
  for (std::string_view rest = name; !rest.empty();) {
    const auto point = next_point(rest);
    if (!point) throw bad_name(name, "it is not UTF-8");
    append(text, *point);
  }
  if (text.size() > kLongest) throw bad_name(name, "it is longer than 255 characters");
  return text;
}

std::string utf8_of(std::u16string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t first = text[i];
    const char32_t second = i + 1 < text.size() ? text[i + 1] : 0;
    const bool is_pair = first >= 0xd800 && first < 0xdc00 && second >= 0xdc00 && second < 0xe000;
    if (is_pair) ++i;
    append(made, is_pair               ? 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                 : is_surrogate(first) ? kReplacement
                                       : first);
  }
  return made;
}

std::string folded(std::string_view name) {
  std::string text(name);
  std::ranges::transform(text, text.begin(), upper);
  return text;
}

bool is_short(std::string_view name) { return parts_of(name).is_whole && folded(name) == name && !name.ends_with('.'); }

FatAlias alias_of(std::string_view name, const std::set<FatAlias>& taken) {
  const Parts parts = parts_of(name);
  if (const FatAlias plain = alias(parts.base, parts.extension); parts.is_whole && !taken.contains(plain)) return plain;
  for (unsigned number = 1; number <= kMostNumbers; ++number) {
    const std::string tail = "~" + std::to_string(number);
    const FatAlias numbered = alias(parts.base.substr(0, kBase - tail.size()) + tail, parts.extension);
    if (!taken.contains(numbered)) return numbered;
  }
  throw bad_name(name, "there are too many names like it");
}

std::uint8_t checksum_of(const FatAlias& alias) {
  unsigned sum = 0;
  for (const char c : alias) sum = (((sum & 1U) << 7U) + (sum >> 1U) + static_cast<unsigned char>(c)) & 0xffU;
  return static_cast<std::uint8_t>(sum);
}

}  // namespace basecache::drive
