#include "agent/model/repeatable_request.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "agent/model/instance_spec.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

bool has_secret(const std::optional<ImageRef>& ref) { return ref && ref->shown() != ref->text(); }

bool has_secret(const InstanceSpec& spec) {
  const bool is_told_secrets = !spec.admin_pass.empty() || !spec.user_data.empty() || !spec.injected_files.empty() ||
                               !spec.vendor_data.empty() || !spec.vendor_data2.empty();
  return is_told_secrets || has_secret(spec.image_ref) || has_secret(spec.kernel_id) || has_secret(spec.ramdisk_id);
}

}  // namespace

std::string repeatable_request(const json& request, const InstanceSpec& spec) {
  if (has_secret(spec)) return "";
  json kept = request;
  for (const char* name : {"uuid", "libvirt_xml", "refresh_config_drive", "admin_pass", "user_data", "injected_files",
                           "vendor_data", "vendor_data2"}) {
    kept.erase(name);
  }
  return kept.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace basecache::model
