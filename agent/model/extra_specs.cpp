#include "agent/model/extra_specs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "agent/base/text.hpp"
#include "agent/model/checked_fields.hpp"

namespace basecache::model {
namespace {

constexpr std::array<std::string_view, 6> kTrue{"1", "t", "true", "on", "y", "yes"};
constexpr std::array<std::string_view, 6> kFalse{"0", "f", "false", "off", "n", "no"};

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t start = text.find_first_not_of(kBlanks);
  return start == text.npos ? "" : text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

// As Python's int() does: blanks around it, a plus before it, "1_000".
std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::string digits(stripped(text));
  if (digits.starts_with("+") && !digits.starts_with("+-")) digits.erase(0, 1);
  if (digits.starts_with("_") || digits.ends_with("_") || digits.find("__") != digits.npos) return std::nullopt;
  if (digits.starts_with("-_")) return std::nullopt;
  std::erase(digits, '_');
  std::int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, number);
  return error == std::errc() && stopped == end ? std::optional(number) : std::nullopt;
}

}  // namespace

const std::string* ExtraSpecs::find(const std::string& name) const {
  const auto found = specs_.find(name);
  return found == specs_.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> ExtraSpecs::integer(const std::string& name, std::int64_t least, std::int64_t most) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_integer(*value);
  if (number && *number >= least && *number <= most) return number;
  refuse(name, fmt::format("a whole number from {} to {}", least, most));
}

std::optional<bool> ExtraSpecs::truth(const std::string& name) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  const std::string plain = lower_case(stripped(*value));
  if (std::ranges::find(kTrue, plain) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, plain) != kFalse.end()) return false;
  refuse(name, "one of true, yes, on, 1, false, no, off, 0");
}

std::optional<std::string> ExtraSpecs::word(const std::string& name,
                                            const std::vector<std::string_view>& allowed) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (std::ranges::find(allowed, *value) == allowed.end()) {
    refuse(name, fmt::format("one of {}", fmt::join(allowed, ", ")));
  }
  return *value;
}

void ExtraSpecs::refuse(const std::string& name, const std::string& expected) const {
  const std::string* value = find(name);
  throw bad_field("flavor.extra_specs." + name,
                  fmt::format("is {}, and must be {}", quote(value == nullptr ? "" : *value, 80), expected))
      .set_hint("correct the flavor's extra spec, or take it out");
}

}  // namespace basecache::model
