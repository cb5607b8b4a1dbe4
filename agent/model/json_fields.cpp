#include "agent/model/json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

constexpr auto kLargestSigned = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr std::size_t kLongestDigest = 256;  // "sha512:" and 128 digits, and room for a message about more

Error bad_field(const std::string& path, std::string_view why) {
  return Error(ErrorCode::invalid_request, fmt::format("{} {}", path.empty() ? "the request" : path, why))
      .add_field("field", path);
}

// Keys, values, beginnings and ends. The catalog of a large cloud has some thousand; "[]" costs a hundred times its
// text.
constexpr std::size_t kMostEvents = 500'000;
constexpr int kDeepest = 64;  // far beyond what a request needs; JSON is copied and written by recursion

Error not_json(std::string_view what, std::string_view why) {
  return Error(ErrorCode::invalid_request, fmt::format("{} is not JSON: {}", what, why))
      .set_hint("send one JSON object, UTF-8 encoded");
}

std::string shown(const json& value) { return quote(value.dump(-1, ' ', true, json::error_handler_t::replace), 40); }

// `byte` is counted from 1, the last one that was read.
std::string place_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size() + 1) - std::min<std::size_t>(byte, 1));
  const std::size_t line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n'));
  return fmt::format("line {}, column {}", line, before.size() - (before.rfind('\n') + 1) + 1);
}

}  // namespace

json parse_json(const std::string& text, std::string_view what) {
  std::size_t events = 0;
  const auto within_limits = [&](int depth, json::parse_event_t, const json&) {
    if (depth > kDeepest) {
      throw Error(ErrorCode::invalid_request, fmt::format("{} nests more than {} levels", what, kDeepest));
    }
    if (++events > kMostEvents) {
      throw Error(ErrorCode::invalid_request, fmt::format("{} has too many values", what));
    }
    return true;
  };
  try {
    return json::parse(text, within_limits);
  } catch (const json::parse_error& error) {
    throw not_json(what, "it is wrong at " + place_of(text, error.byte));
  } catch (const json::exception&) {
    throw not_json(what, "it has a number that is too large");
  }
}

JsonFields::JsonFields(const json& value, std::string path) : value_(value), path_(std::move(path)) {
  if (!value_.is_object()) throw bad_field(path_, "must be a JSON object");
}

std::string JsonFields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

const json* JsonFields::find(std::string_view name) {
  known_.emplace(name);
  const auto found = value_.find(std::string(name));
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> JsonFields::text(std::string_view name, std::size_t max_bytes) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) throw bad_field(path_of(name), "must be a string");
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    throw bad_field(path_of(name), fmt::format("has {} bytes, at most {} are allowed", text.size(), max_bytes));
  }
  return text;
}

std::string JsonFields::required_text(std::string_view name, std::size_t max_bytes) {
  auto value = text(name, max_bytes);
  if (!value) throw bad_field(path_of(name), "is missing");
  return *std::move(value);
}

std::optional<std::uint64_t> JsonFields::number(std::string_view name, std::uint64_t max) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool whole = value->is_number_unsigned() || (value->is_number_integer() && value->get<std::int64_t>() >= 0);
  if (whole && value->get<std::uint64_t>() <= max) return value->get<std::uint64_t>();
  throw bad_field(path_of(name), fmt::format("must be a whole number from 0 to {}, not {}", max, shown(*value)));
}

std::optional<std::int64_t> JsonFields::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  // What is unsigned may be too large for the type that it is asked for in.
  const bool fits = !value->is_number_unsigned() || value->get<std::uint64_t>() <= kLargestSigned;
  const std::int64_t number = value->is_number_integer() && fits ? value->get<std::int64_t>() : least - 1;
  if (number >= least && number <= most) return number;
  throw bad_field(path_of(name),
                  fmt::format("must be a whole number from {} to {}, not {}", least, most, shown(*value)));
}

std::optional<bool> JsonFields::boolean(std::string_view name) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) throw bad_field(path_of(name), "must be true or false");
  return value->get<bool>();
}

std::optional<Digest> JsonFields::digest(std::string_view name) {
  const auto words = text(name, kLongestDigest);
  if (!words) return std::nullopt;
  try {
    return Digest::parse(*words);
  } catch (Error& error) {
    throw error.add_field("field", path_of(name));
  }
}

const json* JsonFields::object(std::string_view name) {
  const json* value = find(name);
  if (value != nullptr && !value->is_object()) throw bad_field(path_of(name), "must be a JSON object");
  return value;
}

const json* JsonFields::array(std::string_view name, std::size_t max_items) {
  const json* value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) throw bad_field(path_of(name), "must be a list");
  if (value->size() > max_items) {
    throw bad_field(path_of(name), fmt::format("has {} items, at most {} are allowed", value->size(), max_items));
  }
  return value;
}

void JsonFields::finish() {
  for (const auto& [name, value] : value_.items()) {
    if (known_.contains(name)) continue;
    Error error = bad_field(path_of(quote_unless_plain(name, 60)), "is not a known field");
    if (const auto near = nearest(name, {known_.begin(), known_.end()}))
      error.set_hint("did you mean '" + *near + "'?");
    throw error;
  }
}

}  // namespace basecache::model
