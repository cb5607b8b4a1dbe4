#include "agent/model/guest_metadata.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "agent/model/base64.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

// Versions of the OpenStack tree and what each one added (nova/api/metadata/base.py, OPENSTACK_VERSIONS). They are
// dates, so they compare as text, and "latest" stands after all of them.
constexpr std::string_view kGrizzly = "2013-04-04";
constexpr std::string_view kHavana = "2013-10-17";
constexpr std::string_view kLiberty = "2015-10-15";
constexpr std::string_view kNewtonOne = "2016-06-30";
constexpr std::string_view kNewtonTwo = "2016-10-06";
constexpr std::string_view kVictoria = "2020-10-14";
constexpr std::array<std::string_view, 11> kVersions{"2012-08-10", kGrizzly,     kHavana,      kLiberty,
                                                     kNewtonOne,   kNewtonTwo,   "2017-02-22", "2018-08-27",
                                                     kVictoria,    "2025-04-04", "latest"};

// All but these are skipped by Nova's default of config_drive_skip_versions.
constexpr std::array<std::string_view, 2> kEc2Versions{"2009-04-04", "latest"};

// The shortest limit of the systems that read it: dnsmasq's (nova/utils.py, sanitize_hostname).
constexpr std::size_t kLongestHostname = 63;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

std::string hostname_from(std::string_view display_name) {
  std::string hostname;
  for (char c : display_name.substr(0, kLongestHostname)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ' ' || c == '_' || c == '.') c = '-';
    if (is_letter_or_digit(c) || c == '-') hostname += c;
  }
  const std::size_t first = hostname.find_first_not_of('-');
  if (first == std::string::npos) return "";
  return hostname.substr(first, hostname.find_last_not_of('-') - first + 1);
}

std::string hostname_of(const InstanceSpec& spec) {
  if (!spec.hostname.empty()) return spec.hostname;
  const std::string made = hostname_from(spec.name);
  return made.empty() ? "server-" + spec.uuid.text() : made;
}

std::string name_of_key(const InstanceSpec& spec) { return spec.key_name.empty() ? "default" : spec.key_name; }

std::string content_name(std::size_t index) { return fmt::format("{:04}", index); }

json injected_files(const InstanceSpec& spec) {
  json files = json::array();
  for (std::size_t i = 0; i < spec.injected_files.size(); ++i) {
    files.push_back({{"path", spec.injected_files[i].path}, {"content_path", "/content/" + content_name(i)}});
  }
  return files;
}

void add_keys(const InstanceSpec& spec, json& meta) {
  if (spec.key_data.empty()) return;
  meta["public_keys"] = {{name_of_key(spec), spec.key_data}};
  meta["keys"] = json::array({{{"name", name_of_key(spec)}, {"type", "ssh"}, {"data", spec.key_data}}});
}

json meta_data(const InstanceSpec& spec, const std::string& random_seed, std::string_view version) {
  json meta = {{"uuid", spec.uuid.text()},
               {"hostname", hostname_of(spec)},
               {"name", spec.name},
               {"launch_index", 0},
               {"availability_zone", spec.availability_zone.empty() ? json() : json(spec.availability_zone)}};
  if (!spec.metadata.empty()) meta["meta"] = spec.metadata;
  if (!spec.injected_files.empty()) meta["files"] = injected_files(spec);
  if (!spec.admin_pass.empty()) meta["admin_pass"] = spec.admin_pass;
  add_keys(spec, meta);
  if (version >= kGrizzly) meta["random_seed"] = base64_encode(random_seed);
  if (version >= kLiberty) meta["project_id"] = spec.project_id.empty() ? json() : json(spec.project_id);
  if (version >= kNewtonOne) meta["devices"] = json::array();
  if (version >= kVictoria) meta["dedicated_cpus"] = json::array();
  return meta;
}

// What network_data.json holds when the caller gave nothing: no links is an answer, an empty file isn't.
std::string network_data(const InstanceSpec& spec) {
  if (!spec.network_data.empty()) return spec.network_data;
  return dump({{"links", json::array()}, {"networks", json::array()}, {"services", json::array()}});
}

void add_openstack(const InstanceSpec& spec, const std::string& random_seed, DriveContents& drive) {
  for (const std::string_view version : kVersions) {
    const auto add = [&](std::string_view name, std::string contents) {
      drive.push_back({fmt::format("openstack/{}/{}", version, name), std::move(contents)});
    };
    add("meta_data.json", dump(meta_data(spec, random_seed, version)));
    if (!spec.user_data.empty()) add("user_data", spec.user_data);
    if (version >= kHavana) add("vendor_data.json", "{}");
    if (version >= kLiberty) add("network_data.json", network_data(spec));
    if (version >= kNewtonTwo) add("vendor_data2.json", dump({{"static", json::object()}}));
  }
  for (std::size_t i = 0; i < spec.injected_files.size(); ++i) {
    drive.push_back({"openstack/content/" + content_name(i), spec.injected_files[i].contents});
  }
}

json ec2_meta_data(const InstanceSpec& spec) {
  const std::string hostname = hostname_of(spec);
  const std::string root =
      spec.block_device_info.root_device_name.empty() ? "/dev/vda" : spec.block_device_info.root_device_name;
  json meta = {{"instance-id", spec.uuid.text()},
               {"ami-launch-index", 0},
               {"hostname", hostname},
               {"local-hostname", hostname},
               {"public-hostname", hostname},
               {"instance-action", "none"},
               {"block-device-mapping", {{"root", root}}},
               {"placement", {{"availability-zone", spec.availability_zone}}}};
  if (!spec.key_data.empty()) meta["public-keys"] = {{"0", {{"openssh-key", spec.key_data}}}};
  return meta;
}

void add_ec2(const InstanceSpec& spec, DriveContents& drive) {
  for (const std::string_view version : kEc2Versions) {
    drive.push_back({fmt::format("ec2/{}/meta-data.json", version), dump(ec2_meta_data(spec))});
    if (!spec.user_data.empty()) drive.push_back({fmt::format("ec2/{}/user-data", version), spec.user_data});
  }
}

}  // namespace

DriveContents guest_metadata(const InstanceSpec& spec, const std::string& random_seed) {
  DriveContents drive;
  add_ec2(spec, drive);
  add_openstack(spec, random_seed, drive);
  return drive;
}

}  // namespace basecache::model
