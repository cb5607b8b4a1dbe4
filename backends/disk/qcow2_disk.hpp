#pragma once

#include "agent/provision/disk_backend.hpp"
#include "backends/disk/preallocation.hpp"
#include "backends/qemu/confined_qemu_img.hpp"

namespace basecache::disk {

// images_type qcow2: a disk is an overlay over its base file, which it names by its absolute path together with its
// format. File systems aren't grown: the guest does that (Nova can only with a mounted block device).
//
// Disks aren't synced, as Nova's aren't; see RawDisk.
class Qcow2Disk : public provision::DiskBackend {
 public:
  // `qemu_img` must outlive this.
  Qcow2Disk(const qemu::ConfinedQemuImg& qemu_img, Preallocation preallocation)
      : qemu_img_(qemu_img), preallocation_(preallocation) {}

  // The size made is the one asked for, rounded up to the whole sectors of 512 bytes that qcow2 knows.
  provision::MadeDisk create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                  const cache::BaseFile& base, OpContext& op) override;

  // Error(in_use) when a guest has the disk open.
  provision::MadeDisk grow_disk(const provision::DiskPlace& place, std::optional<Bytes> size, OpContext& op) override;

  std::optional<provision::ExpectedDisk> expected(std::optional<model::DiskFormat> base) const override;

 private:
  const qemu::ConfinedQemuImg& qemu_img_;
  Preallocation preallocation_;
};

}  // namespace basecache::disk
