#include "backends/glance/image_patch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace basecache::glance {
namespace {

using nlohmann::json;

// A member's name as a JSON pointer (RFC 6901).
std::string pointer_to(std::string_view name) {
  std::string pointer = "/";
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

json to_json(const ImagePatch::Value& value) {
  return std::visit([](const auto& alternative) { return json(alternative); }, value);
}

}  // namespace

ImagePatch& ImagePatch::set(std::string name, Value value) {
  operations_.push_back({.kind = Operation::Kind::set, .name = std::move(name), .value = std::move(value)});
  return *this;
}

ImagePatch& ImagePatch::remove(std::string name) {
  operations_.push_back({.kind = Operation::Kind::remove, .name = std::move(name), .value = {}});
  return *this;
}

ImagePatch& ImagePatch::add_location(std::string url) {
  operations_.push_back({.kind = Operation::Kind::add_location, .name = {}, .value = std::move(url)});
  return *this;
}

bool ImagePatch::is_repeatable() const {
  return std::ranges::all_of(operations_, [](const Operation& one) { return one.kind == Operation::Kind::set; });
}

std::string ImagePatch::body() const {
  json operations = json::array();
  for (const Operation& one : operations_) {
    json operation = json::object();
    operation["op"] = one.kind == Operation::Kind::remove ? "remove" : "add";
    operation["path"] = one.kind == Operation::Kind::add_location ? "/locations/-" : pointer_to(one.name);
    if (one.kind == Operation::Kind::set) operation["value"] = to_json(one.value);
    if (one.kind == Operation::Kind::add_location) {
      operation["value"] = json::object();
      operation["value"]["url"] = to_json(one.value);
      operation["value"]["metadata"] = json::object();
    }
    operations.push_back(std::move(operation));
  }
  return operations.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace basecache::glance
