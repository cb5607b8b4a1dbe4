#pragma once

#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

namespace basecache {

enum class VolumeClear { none, zero, shred };

// Instance disks on LVM volumes. Names and meaning of what isn't said to be ours are nova.conf's.
struct LvmConfig {
  // [libvirt]
  std::string images_volume_group;  // empty: none, and no LVM
  bool sparse_logical_volumes = false;
  VolumeClear volume_clear = VolumeClear::zero;
  unsigned volume_clear_size = 0;  // MiB from a volume's beginning; 0: all of it

  std::string thin_pool;  // ours: [basecache] lvm_thin_pool; empty: none

  // [ephemeral_storage_encryption]
  bool encrypts = false;  // "enabled"
  std::string cipher = "aes-xts-plain64";
  unsigned key_size = 512;                               // bits
  Path key_directory = "/etc/basecache/ephemeral-keys";  // ours: [basecache] ephemeral_key_directory
};

}  // namespace basecache
