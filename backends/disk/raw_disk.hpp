#pragma once

#include "agent/base/slots.hpp"
#include "agent/provision/disk_backend.hpp"
#include "backends/disk/preallocation.hpp"
#include "backends/qemu/confined_qemu_img.hpp"

namespace basecache::disk {

// images_type raw ("flat"): a disk is a sparse copy of its base file, grown to its size; a bare ext2/3/4 file system
// grows with it. The copy shares the base file's blocks where the file system can.
//
// Of a base file that isn't raw (force_raw_images = false): a qcow2 is copied as it is, as by Nova's Flat, and the disk
// is a qcow2 without a backing file, which Qcow2Disk grows from then on. Every other format is converted into a raw
// disk.
//
// Disks aren't synced, as Nova's aren't: what a power cut takes from a disk that has never been booted can be made
// again from its base file, which is synced.
class RawDisk : public provision::DiskBackend {
 public:
  // `qemu_img` must outlive this. `copies`: made at the same time, where a base file can't be cloned.
  RawDisk(const qemu::ConfinedQemuImg& qemu_img, Preallocation preallocation, std::size_t copies)
      : qemu_img_(qemu_img), preallocation_(preallocation), copies_(copies) {}

  // Progress step "copy" (or "convert"), subject: the disk's name.
  provision::MadeDisk create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                  const cache::BaseFile& base, OpContext& op) override;

  // Error(in_use) when a guest has the disk open.
  provision::MadeDisk grow_disk(const provision::DiskPlace& place, std::optional<Bytes> size, OpContext& op) override;

  std::optional<provision::ExpectedDisk> expected(std::optional<model::DiskFormat> base) const override;

 private:
  // The format of the copy.
  model::DiskFormat copy_base(const provision::DiskPlace& place, const cache::BaseFile& base, OpContext& op);
  void grow_copy(const Path& disk, model::DiskFormat format, Bytes size, OpContext& op);
  void grow(const Path& disk, Bytes current, Bytes wanted, OpContext& op) const;

  const qemu::ConfinedQemuImg& qemu_img_;
  Preallocation preallocation_;
  Slots copies_;
};

}  // namespace basecache::disk
