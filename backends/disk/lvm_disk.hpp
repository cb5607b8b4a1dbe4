#pragma once

#include "agent/layout/cache_layout.hpp"
#include "agent/provision/disk_backend.hpp"
#include "backends/lvm/lvm_volumes.hpp"
#include "backends/qemu/confined_qemu_img.hpp"

namespace basecache::disk {

// images_type lvm: a disk is a volume that holds its base file and zeros behind it; a bare ext2/3/4 file system grows
// with the volume. Ephemeral and swap disks come from their base files too: what Nova formats on the volume itself
// shows, between the tables, what was there before. Written out when it returns.
class LvmDisk : public provision::DiskBackend {
 public:
  // Both must outlive this. A base file that isn't raw (force_raw_images = false) is converted in the instance's staged
  // directory first.
  LvmDisk(const lvm::LvmVolumes& volumes, const qemu::ConfinedQemuImg& qemu_img, const layout::CacheLayout& layout)
      : volumes_(volumes), qemu_img_(qemu_img), layout_(layout) {}

  // The size made is the one asked for, rounded up to whole extents of the volume group. Progress step "copy" (or
  // "convert"), subject: the disk's name. Error(no_space) with what is needed and what is free.
  provision::MadeDisk create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                  const cache::BaseFile& base, OpContext& op) override;

  // An encrypted one is open when it returns. Error(in_use) when a guest has it open and it would grow.
  provision::MadeDisk grow_disk(const provision::DiskPlace& place, std::optional<Bytes> size, OpContext& op) override;

  std::optional<provision::ExpectedDisk> expected(std::optional<model::DiskFormat> base) const override;

 private:
  void write_base(const provision::DiskPlace& place, const lvm::OpenVolume& volume, const cache::BaseFile& base,
                  OpContext& op) const;
  void grow_file_system(const lvm::OpenVolume& volume, const OpContext& op) const;
  Bytes wanted_size(const provision::DiskPlace& place, std::optional<Bytes> size, const OpContext& op) const;

  const lvm::LvmVolumes& volumes_;
  const qemu::ConfinedQemuImg& qemu_img_;
  const layout::CacheLayout& layout_;
};

}  // namespace basecache::disk
