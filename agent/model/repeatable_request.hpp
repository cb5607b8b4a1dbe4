#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace basecache::model {

struct InstanceSpec;

// The creation request of `spec` as JSON text, to be kept where others may read it: without uuid and libvirt_xml, which
// say where it belongs, and refresh_config_drive, which is for once. "" where it holds what nobody else may see:
// admin_pass, user_data, injected_files, vendor_data (which may enrol a guest somewhere), or an image's URL with
// credentials or a query. An instance made again without those would be another one.
std::string repeatable_request(const nlohmann::json& request, const InstanceSpec& spec);

}  // namespace basecache::model
