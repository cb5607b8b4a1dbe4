#include "backends/disk/lvm_disk.hpp"

#include <algorithm>
#include <boost/filesystem/operations.hpp>

#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "backends/disk/disk_size.hpp"
#include "backends/disk/ext_file_system.hpp"
#include "backends/lvm/volume_writer.hpp"
#include "backends/qemu/qemu_converter.hpp"

namespace basecache::disk {
namespace {

constexpr auto kRaw = model::DiskFormat::raw;

// What of the base file isn't a hole; of one that has to be converted first it isn't known.
Bytes allocated_of(const cache::BaseFile& base) {
  if (base.format() != kRaw) return base.virtual_size();
  return std::min(sizes_of(base.path()).allocated, base.virtual_size());
}

}  // namespace

provision::MadeDisk LvmDisk::create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                         const cache::BaseFile& base, OpContext& op) {
  const Bytes wanted = size_at_least(base.virtual_size(), size, "base file " + base.key().text());
  const lvm::OpenVolume volume = volumes_.create(place, wanted, allocated_of(base), op);
  write_base(place, volume, base, op);
  if (volume.size > base.virtual_size()) grow_file_system(volume, op);
  return {kRaw, volume.size, volume.io};
}

void LvmDisk::write_base(const provision::DiskPlace& place, const lvm::OpenVolume& volume, const cache::BaseFile& base,
                         OpContext& op) const {
  const auto reached = [&](Bytes done) { op.report({"copy", place.disk, done.count, volume.size.count}); };
  const lvm::WriteTarget target{.device = volume.device, .unwritten = volume.unwritten};
  if (base.format() == kRaw) return write_volume({base.path(), base.virtual_size()}, target, reached, op);
  const Path raw = layout_.staged_instance_directory(place.instance) / (place.disk + ".raw");
  qemu::QemuConverter(qemu_img_).to_raw(base.path(), {base.format(), base.virtual_size()}, raw, op);
  write_volume({raw, base.virtual_size()}, target, reached, op);
  remove_file(raw);
}

// LVM's names of devices are links.
void LvmDisk::grow_file_system(const lvm::OpenVolume& volume, const OpContext& op) const {
  const Path device = boost::filesystem::canonical(volume.device);
  if (is_bare_ext(device)) grow_ext(qemu_img_.sandbox(), device, op);
}

// A size that isn't one of whole extents is smaller than what was made of it.
Bytes LvmDisk::wanted_size(const provision::DiskPlace& place, std::optional<Bytes> size, const OpContext& op) const {
  const Bytes current = volumes_.size_of(place, op);
  if (size && *size < current) size = volumes_.whole_extents(*size, op);
  return size_at_least(current, size, "disk " + quote(place.path.native()));
}

provision::MadeDisk LvmDisk::grow_disk(const provision::DiskPlace& place, std::optional<Bytes> size, OpContext& op) {
  const Bytes wanted = wanted_size(place, size, op);
  const auto reached = [&](Bytes done) { op.report({"grow", place.disk, done.count, wanted.count}); };
  const lvm::GrownVolume grown = volumes_.grow(place, wanted, reached, op);
  if (grown.has_grown) {
    grow_file_system(grown.volume, op);
    volumes_.end_growth(place, op);
  }
  return {kRaw, grown.volume.size, grown.volume.io};
}

std::optional<provision::ExpectedDisk> LvmDisk::expected(std::optional<model::DiskFormat>) const {
  return provision::ExpectedDisk{kRaw, volumes_.expected_io()};
}

}  // namespace basecache::disk
