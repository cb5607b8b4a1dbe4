#include "agent/model/repeatable_request.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

bool has_secret(const std::optional<ImageRef>& ref) { return ref && ref->shown() != ref->text(); }

bool has_secret(const InstanceSpec& spec) {
  const bool is_told_secrets = !spec.admin_pass.empty() || !spec.user_data.empty() || !spec.injected_files.empty() ||
                               !spec.vendor_data.empty() || !spec.vendor_data2.empty();
  return is_told_secrets || has_secret(spec.image_ref) || has_secret(spec.kernel_id) || has_secret(spec.ramdisk_id);
}

// ASCII, so that no character of it is one that XML hasn't.
std::string text_of(const json& request) { return request.dump(-1, ' ', true, json::error_handler_t::replace); }

// null says nothing.
void put_over(json& fields, const json& more) {
  for (const auto& [name, value] : more.items()) {
    if (!value.is_null()) fields[name] = value;
  }
}

json over(json earlier, const json& later) {
  const auto says = [&](const char* name) { return later.contains(name) && !later[name].is_null(); };
  if (says("image_ref") && earlier.value("image_ref", json()) != later["image_ref"]) {
    for (const char* name : {"checksum", "image_meta", "volume_image_metadata"}) earlier.erase(name);
  }
  json flavor = earlier.value("flavor", json::object());
  put_over(earlier, later);
  if (says("flavor")) {
    put_over(flavor, later["flavor"]);
    earlier["flavor"] = flavor;
  }
  return earlier;
}

}  // namespace

std::string repeatable_request(const json& request, const InstanceSpec& spec) {
  if (has_secret(spec)) return "";
  json kept = request;
  for (const char* name : {"uuid", "libvirt_xml", "refresh_config_drive", "admin_pass", "user_data", "injected_files",
                           "vendor_data", "vendor_data2"}) {
    kept.erase(name);
  }
  return text_of(kept);
}

std::string later_request(const std::string& earlier, const std::string& later, const std::string& uuid) {
  if (earlier.empty()) return later;
  try {
    json both = over(parse_json(earlier, "the request that is kept"), parse_json(later, "the request"));
    both["uuid"] = uuid;
    return InstanceSpec::make(both).repeatable;
  } catch (const Error&) {
    return later;
  }
}

}  // namespace basecache::model
