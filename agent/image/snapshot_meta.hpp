#pragma once

#include <set>
#include <string>

#include "agent/image/system_metadata.hpp"
#include "agent/model/image_meta.hpp"

namespace basecache::image {

// [DEFAULT] non_inheritable_image_properties, as Nova has it by default (nova/conf/compute.py).
const std::set<std::string>& default_non_inheritable();

// What a snapshot of an instance is given of the image that the instance was made from (nova/compute/utils.py,
// initialize_instance_snapshot_metadata): all that the instance has kept, but for what `non_inheritable` names, what is
// of that one image by design (its signature, the key of its encryption) and what begins with "os_glance". Formats are
// left out: the snapshot has its own (create_image).
model::ImageMeta snapshot_meta(const SystemMetadata& system_metadata, const std::string& name,
                               const std::set<std::string>& non_inheritable = default_non_inheritable());

}  // namespace basecache::image
