#include "agent/image/device_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "agent/base/text.hpp"
#include "agent/model/ephemeral_format.hpp"

namespace basecache::image {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestDeviceName = 64;
constexpr std::uint64_t kLargest = std::uint64_t{512} * 1024 * 1024;  // MiB of swap; GiB are held against the flavor
constexpr std::int64_t kHighestIndex = 1024;

std::string shown(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::int64_t> integer_of(const json& value) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

}  // namespace

bool is_device_name(std::string_view name) {
  if (name.starts_with("/dev/")) name.remove_prefix(5);
  return !name.empty() && name.size() <= kLongestDeviceName &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

std::string DeviceFields::text(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return "";
  if (!value->is_string()) refuse(name, *value, "text");
  return value->get<std::string>();
}

std::string DeviceFields::word(const char* name, std::initializer_list<std::string_view> allowed,
                               bool is_required) const {
  std::string word = text(name);
  const bool is_missing = word.empty() && !is_required;
  if (!is_missing && std::ranges::find(allowed, word) == allowed.end()) {
    refuse(name, json(word), fmt::format("one of {}", fmt::join(allowed, ", ")));
  }
  return word;
}

bool DeviceFields::truth(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) refuse(name, *value, "one of true, false");
  return value->get<bool>();
}

std::uint64_t DeviceFields::size(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return 0;
  const auto number = integer_of(*value);
  if (number && *number >= 0 && static_cast<std::uint64_t>(*number) <= kLargest) {
    return static_cast<std::uint64_t>(*number);
  }
  refuse(name, *value, fmt::format("a whole number from 0 to {}", kLargest));
}

std::optional<std::int64_t> DeviceFields::integer(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = integer_of(*value);
  if (number && *number >= -kHighestIndex && *number <= kHighestIndex) return number;
  refuse(name, *value, fmt::format("a whole number from -{} to {}", kHighestIndex, kHighestIndex));
}

std::string DeviceFields::device_name(const char* name) const {
  if (find(name) == nullptr) return "";
  const std::string device = text(name);
  if (!is_device_name(device)) refuse(name, json(device), "a device name like '/dev/vdb'");
  return device.starts_with("/dev/") ? device.substr(5) : device;
}

std::optional<std::string> DeviceFields::guest_format(const char* name) const {
  std::string format = text(name);
  if (format.empty()) return std::nullopt;
  if (model::is_supported_guest_format(format)) return format;
  refuse(name, json(format), fmt::format("one of {}", fmt::join(model::supported_guest_formats(), ", ")));
}

void DeviceFields::refuse(const std::string& expected) const { read_.refuse(path_, shown(item_), "one " + expected); }

const json* DeviceFields::find(const char* name) const {
  const auto found = item_.find(name);
  return found == item_.end() || found->is_null() ? nullptr : &*found;
}

void DeviceFields::refuse(const char* name, const json& value, const std::string& expected) const {
  read_.refuse(fmt::format("{}.{}", path_, name), shown(value), expected);
}

}  // namespace basecache::image
