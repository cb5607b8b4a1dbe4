#pragma once

#include <string>

#include "agent/metadata/drive_contents.hpp"
#include "agent/metadata/metadata_context.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::metadata {

// openstack/<version>/... for each version, and openstack/content/NNNN: the network file where one is injected, then
// the injected files.
void add_openstack_tree(const model::InstanceSpec& spec, const std::string& random_seed, const MetadataContext& context,
                        DriveContents& drive);

}  // namespace basecache::metadata
