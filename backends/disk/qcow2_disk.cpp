#include "backends/disk/qcow2_disk.hpp"

#include <fcntl.h>

#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "backends/disk/disk_size.hpp"
#include "backends/qcow2/header.hpp"
#include "backends/qcow2/overlay.hpp"
#include "backends/qemu/disk_growth.hpp"

namespace basecache::disk {
namespace {

constexpr auto kQcow2 = model::DiskFormat::qcow2;
constexpr std::uint64_t kSector = 512;

Bytes in_sectors(Bytes size) { return {(size.count + kSector - 1) / kSector * kSector}; }

// As Nova's: what changes a cluster of the disk copies one of the base file's (libvirt/utils.py, create_image).
std::uint32_t cluster_bits_over(const cache::BaseFile& base) {
  return base.format() == kQcow2 ? qcow2::Header::read(base.path()).cluster_bits : qcow2::Overlay().cluster_bits;
}

}  // namespace

provision::MadeDisk Qcow2Disk::create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                           const cache::BaseFile& base, OpContext& op) {
  const Bytes wanted = size_at_least(base.virtual_size(), size, "base file " + base.key().text());
  op.check();
  const Bytes made = in_sectors(wanted);
  const UniqueFd disk = open_file(place.staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  qcow2::write_overlay(disk.get(), {.backing_file = base.path().native(),
                                    .backing_format = std::string(model::qemu_name(base.format())),
                                    .virtual_size = made,
                                    .cluster_bits = cluster_bits_over(base)});
  preallocate(preallocation_, place.staged, made);
  return {kQcow2, made, io_of(preallocation_)};
}

provision::MadeDisk Qcow2Disk::grow_disk(const provision::DiskPlace& place, std::optional<Bytes> size, OpContext& op) {
  const Path& disk = place.path;
  const Bytes current = qcow2::Header::read(disk).virtual_size;
  const Bytes wanted = size_at_least(current, size, "disk " + quote(disk.native()));
  if (wanted > current) {
    qemu::grow_disk(qemu_img_, disk, kQcow2, wanted, op);
    preallocate(preallocation_, disk, wanted);
  }
  return {kQcow2, wanted, io_of(preallocation_)};
}

std::optional<provision::ExpectedDisk> Qcow2Disk::expected(std::optional<model::DiskFormat>) const {
  return provision::ExpectedDisk{kQcow2, io_of(preallocation_)};
}

}  // namespace basecache::disk
