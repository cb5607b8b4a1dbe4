#include "backends/disk/raw_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/sparse_copy.hpp"
#include "agent/base/text.hpp"
#include "backends/disk/disk_size.hpp"
#include "backends/disk/ext_file_system.hpp"
#include "backends/disk/growth_mark.hpp"
#include "backends/qemu/disk_growth.hpp"
#include "backends/qemu/qemu_converter.hpp"

namespace basecache::disk {
namespace {

constexpr auto kRaw = model::DiskFormat::raw;
constexpr auto kQcow2 = model::DiskFormat::qcow2;

void set_length(const Path& file, Bytes size) {
  if (::truncate(file.c_str(), static_cast<off_t>(size.count)) == 0) return;
  const int error = errno;
  throw Error::from_errno(error, "grow " + quote(file.native()) + " to " + to_text(size));
}

}  // namespace

// Nova copies every format; what it can't grow (vmdk, vpc, vhdx, vdi) becomes raw here.
model::DiskFormat RawDisk::copy_base(const provision::DiskPlace& place, const cache::BaseFile& base, OpContext& op) {
  if (base.format() != kRaw && base.format() != kQcow2) {
    qemu::QemuConverter(qemu_img_).to_raw(base.path(), {base.format(), base.virtual_size()}, place.staged, op);
    return kRaw;
  }
  const Bytes size = sizes_of(base.path()).apparent;
  const auto reached = [&](Bytes done) { op.report({"copy", place.disk, done.count, size.count}); };
  copy_sparse(base.path(), place.staged, reached, op, {.slots = &copies_});
  return base.format();
}

void RawDisk::grow_copy(const Path& disk, model::DiskFormat format, Bytes size, OpContext& op) {
  if (format == kQcow2) return qemu::grow_disk(qemu_img_, disk, format, size, op);
  set_length(disk, size);
  if (is_bare_ext(disk)) grow_ext(qemu_img_.sandbox(), disk, op);
}

provision::MadeDisk RawDisk::create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                         const cache::BaseFile& base, OpContext& op) {
  const Bytes wanted = size_at_least(base.virtual_size(), size, "base file " + base.key().text());
  const model::DiskFormat format = copy_base(place, base, op);
  if (wanted > base.virtual_size()) grow_copy(place.staged, format, wanted, op);
  preallocate(preallocation_, place.staged, wanted);
  return {format, wanted, io_of(preallocation_)};
}

provision::MadeDisk RawDisk::grow_disk(const provision::DiskPlace& place, std::optional<Bytes> size, OpContext& op) {
  const Path& disk = place.path;
  const Bytes current = sizes_of(disk).apparent;
  const Bytes wanted = size_at_least(current, size, "disk " + quote(disk.native()));
  if (wanted > current || (size && GrowthMark(disk).is_set())) grow(disk, current, wanted, op);
  return {kRaw, wanted, io_of(preallocation_)};
}

void RawDisk::grow(const Path& disk, Bytes current, Bytes wanted, OpContext& op) const {
  const GrowthMark mark(disk);
  const bool was_set = mark.is_set();
  mark.set();
  try {
    qemu::grow_disk(qemu_img_, disk, kRaw, wanted, op);
  } catch (const Error& error) {
    if (!was_set && sizes_of(disk).apparent == current) mark.remove();   // nothing has begun
    if (error.code() == ErrorCode::in_use && wanted == current) return;  // what is left to do waits for its guest
    throw;
  }
  if (is_bare_ext(disk)) grow_ext(qemu_img_.sandbox(), disk, op);
  preallocate(preallocation_, disk, wanted);
  mark.remove();
}

std::optional<provision::ExpectedDisk> RawDisk::expected(std::optional<model::DiskFormat> base) const {
  if (!base) return std::nullopt;
  return provision::ExpectedDisk{*base == kQcow2 ? kQcow2 : kRaw, io_of(preallocation_)};
}

}  // namespace basecache::disk
