#include "agent/provision/volume_store.hpp"

#include "agent/base/error.hpp"

namespace basecache::provision {

std::vector<DiskVolume> volumes_of(VolumeStore& store, const std::string& instance, const OpContext& op) {
  std::vector<DiskVolume> volumes = store.volumes(op);
  std::erase_if(volumes, [&](const DiskVolume& volume) { return volume.instance != instance; });
  return volumes;
}

bool remove_if_possible(VolumeStore& store, const DiskVolume& volume, const OpContext& op) {
  try {
    store.remove(volume, op);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace basecache::provision
