#include "agent/metadata/openstack_tree.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "agent/metadata/device_list.hpp"
#include "agent/metadata/hostname.hpp"
#include "agent/metadata/interfaces_file.hpp"
#include "agent/metadata/json_text.hpp"
#include "agent/metadata/network_json.hpp"
#include "agent/metadata/openstack_versions.hpp"
#include "agent/metadata/ssh_key.hpp"
#include "agent/model/base64.hpp"

namespace basecache::metadata {
namespace {

using model::InstanceSpec;
using nlohmann::json;

// openstack/content: the files, and how meta_data.json names them.
struct Content {
  std::vector<std::string> files;
  json named = json::object();

  // The path of a new file, as meta_data.json has it.
  std::string add(std::string contents) {
    files.push_back(std::move(contents));
    return fmt::format("/content/{:04}", files.size() - 1);
  }
};

Content content_of(const InstanceSpec& spec) {
  Content content;
  if (auto text = interfaces_file(spec.network_info)) {
    content.named["network_config"] = {{"name", "network_config"}, {"content_path", content.add(*std::move(text))}};
  }
  for (const model::InjectedFile& file : spec.injected_files) {
    content.named["files"].push_back({{"path", file.path}, {"content_path", content.add(file.contents)}});
  }
  return content;
}

void add_key(const InstanceSpec& spec, json& meta) {
  if (spec.key_data.empty()) return;
  const std::string name = key_name_of(spec);
  meta["public_keys"] = {{name, spec.key_data}};
  meta["keys"] = json::array({{{"name", name}, {"type", spec.key_type}, {"data", spec.key_data}}});
}

// What every version has; `content` is what openstack/content is called there.
json first_meta_data(const InstanceSpec& spec, const std::string& domain, const json& content) {
  json meta = {{"uuid", spec.uuid.text()},
               {"hostname", hostname_of(spec, domain)},
               {"name", name_of(spec)},
               {"launch_index", spec.launch_index},
               {"availability_zone", text_or_null(spec.availability_zone)}};
  meta.update(content);
  if (!spec.metadata.empty()) meta["meta"] = spec.metadata;
  if (!spec.admin_pass.empty()) meta["admin_pass"] = spec.admin_pass;
  add_key(spec, meta);
  return meta;
}

json meta_data_of(const InstanceSpec& spec, json meta, const std::string& random_seed, std::string_view version) {
  if (version >= kGrizzly) meta["random_seed"] = model::base64_encode(random_seed);
  if (version >= kLiberty) meta["project_id"] = text_or_null(spec.project_id);
  if (version >= kNewtonOne) meta["devices"] = device_list(spec.devices, version);
  if (version >= kVictoria) meta["dedicated_cpus"] = spec.dedicated_cpus;
  return meta;
}

std::string network_data_of(const InstanceSpec& spec) {
  return spec.network_data.empty() ? json_text(network_json(spec.network_info)) : spec.network_data;
}

// Nova's providers of vendor data make one document of all of theirs; without any but a file there is only "static".
std::string vendor_data2_of(const InstanceSpec& spec, const std::string& vendor_data) {
  return spec.vendor_data2.empty() ? "{\"static\":" + vendor_data + "}" : spec.vendor_data2;
}

}  // namespace

void add_openstack_tree(const InstanceSpec& spec, const std::string& random_seed, const MetadataContext& context,
                        DriveContents& drive) {
  const Content content = content_of(spec);
  const json first = first_meta_data(spec, context.dhcp_domain, content.named);
  const std::string vendor_data = spec.vendor_data.empty() ? "{}" : spec.vendor_data;
  for (const std::string_view version : kOpenstackVersions) {
    const auto add = [&](std::string_view name, std::string contents) {
      drive.push_back({fmt::format("openstack/{}/{}", version, name), std::move(contents)});
    };
    add("meta_data.json", json_text(meta_data_of(spec, first, random_seed, version)));
    if (!spec.user_data.empty()) add("user_data", spec.user_data);
    if (version >= kHavana) add("vendor_data.json", vendor_data);
    if (version >= kLiberty) add("network_data.json", network_data_of(spec));
    if (version >= kNewtonTwo) add("vendor_data2.json", vendor_data2_of(spec, vendor_data));
  }
  for (std::size_t i = 0; i < content.files.size(); ++i) {
    drive.push_back({fmt::format("openstack/content/{:04}", i), content.files[i]});
  }
}

}  // namespace basecache::metadata
