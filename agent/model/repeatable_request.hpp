#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace basecache::model {

struct InstanceSpec;

// The creation request of `spec` as JSON text in ASCII, to be kept where others may read it: without uuid and
// libvirt_xml, which say where it belongs, and refresh_config_drive, which is for once. "" where it holds what nobody
// else may see: admin_pass, user_data, injected_files, vendor_data (which may enrol a guest somewhere), or an image's
// URL with credentials or a query. An instance made again without those would be another one.
std::string repeatable_request(const nlohmann::json& request, const InstanceSpec& spec);

// Of two of them the later one, with what only the earlier one says (of its flavor too): a request may be no more than
// what is to be added. What is said of an image goes with its ref. `earlier` may be ""; where both together are no
// request of `uuid`, the later one alone.
std::string later_request(const std::string& earlier, const std::string& later, const std::string& uuid);

}  // namespace basecache::model
