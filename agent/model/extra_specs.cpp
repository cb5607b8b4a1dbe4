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

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
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
  const std::string plain = lower_case(*value);
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
                  fmt::format("is {}, and must be {}", quote(value == nullptr ? "" : *value, 80), expected));
}

}  // namespace basecache::model
