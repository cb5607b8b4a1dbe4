#include "backends/disk/qcow2_disk.hpp"

#include <boost/filesystem/operations.hpp>

#include "agent/base/text.hpp"
#include "backends/disk/disk_size.hpp"
#include "backends/qemu/disk_growth.hpp"
#include "backends/qemu/qcow2_header.hpp"

namespace basecache::disk {
namespace {

constexpr auto kQcow2 = model::DiskFormat::qcow2;

}  // namespace

provision::MadeDisk Qcow2Disk::create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                           const cache::BaseFile& base, OpContext& op) {
  const Bytes wanted = size_at_least(base.virtual_size(), size, "base file " + base.key().text());
  const Path base_path = boost::filesystem::absolute(base.path());
  qemu_img_.create_overlay(place.staged, base_path, base.format(), wanted, op);
  const Bytes made = qemu::Qcow2Header::read(place.staged).virtual_size;
  preallocate(preallocation_, place.staged, made);
  return {kQcow2, made};
}

provision::MadeDisk Qcow2Disk::grow_disk(const Path& disk, std::optional<Bytes> size, OpContext& op) {
  const Bytes current = qemu::Qcow2Header::read(disk).virtual_size;
  const Bytes wanted = size_at_least(current, size, "disk " + quote(disk.native()));
  if (wanted > current) {
    qemu::grow_disk(qemu_img_, disk, kQcow2, wanted, op);
    preallocate(preallocation_, disk, wanted);
  }
  return {kQcow2, wanted};
}

}  // namespace basecache::disk
