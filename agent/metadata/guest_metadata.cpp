#include "agent/metadata/guest_metadata.hpp"

#include "agent/metadata/ec2_tree.hpp"
#include "agent/metadata/openstack_tree.hpp"

namespace basecache::metadata {

DriveContents guest_metadata(const model::InstanceSpec& spec, const std::string& random_seed,
                             const MetadataContext& context) {
  DriveContents drive;
  add_ec2_tree(spec, context, drive);
  add_openstack_tree(spec, random_seed, context, drive);
  return drive;
}

}  // namespace basecache::metadata
