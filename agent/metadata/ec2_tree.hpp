#pragma once

#include "agent/metadata/drive_contents.hpp"
#include "agent/metadata/metadata_context.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::metadata {

// ec2/2009-04-04 and ec2/latest, which are the same: meta-data.json, and user-data where there is any. All older
// versions are skipped by Nova's default of config_drive_skip_versions (nova/conf/api.py).
void add_ec2_tree(const model::InstanceSpec& spec, const MetadataContext& context, DriveContents& drive);

}  // namespace basecache::metadata
