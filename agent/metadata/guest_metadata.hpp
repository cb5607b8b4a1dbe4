#pragma once

#include <string>

#include "agent/metadata/drive_contents.hpp"
#include "agent/metadata/metadata_context.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::metadata {

// What the guest reads: the files of a config drive as Nova's InstanceMetadata lays them out
// (nova/api/metadata/base.py, metadata_for_config_drive). ec2/2009-04-04 and ec2/latest; openstack/<each dated version
// and latest>/ with meta_data.json, user_data, vendor_data.json, network_data.json, vendor_data2.json as that version
// had them; openstack/content/NNNN. Pure: `random_seed` (512 bytes, base64 in meta_data.json) is given by the caller.
DriveContents guest_metadata(const model::InstanceSpec& spec, const std::string& random_seed,
                             const MetadataContext& context = {});

}  // namespace basecache::metadata
