#pragma once

#include <string>
#include <vector>

#include "agent/model/instance_spec.hpp"

namespace basecache::model {

// One file on the config drive: path below its root ("openstack/latest/meta_data.json") and bytes.
struct DriveFile {
  std::string path;
  std::string contents;
};
using DriveContents = std::vector<DriveFile>;

// What the guest reads (nova/api/metadata/base.py): openstack/<each dated version and latest>/ with meta_data.json,
// user_data, network_data.json, vendor_data.json as that version had them, openstack/content/NNNN for injected files,
// ec2/2009-04-04 and ec2/latest. Pure: `random_seed` (512 bytes, base64 in meta_data.json) is given by the caller.
DriveContents guest_metadata(const InstanceSpec& spec, const std::string& random_seed);

}  // namespace basecache::model
