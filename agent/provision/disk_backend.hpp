#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/cache/base_file.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::provision {

// Where an instance disk is made and where it will stand. A backend writes `staged`, which is moved to `path` when the
// whole creation has succeeded and removed when it has not.
struct DiskPlace {
  std::string instance;  // uuid
  std::string disk;      // "disk", "disk.swap" ...
  Path staged;
  Path path;
  std::string key_id = {};  // of an encrypted volume
};

// How QEMU should read and write a disk: the `io` of its driver in libvirt's XML.
enum class DiskIo {
  automatic,  // libvirt's own choice: nothing is said
  native,     // Linux AIO, which blocks where blocks have to be found first: for disks that have theirs
};

// libvirt's word; "" where nothing is said.
constexpr std::string_view name_of(DiskIo io) { return io == DiskIo::native ? "native" : ""; }

struct MadeDisk {
  model::DiskFormat format = model::DiskFormat::raw;
  Bytes size;                     // virtual
  DiskIo io = DiskIo::automatic;  // by configuration, as Nova decides it; nobody looks at the disk
};

// What a disk is going to be, before there is a base file.
struct ExpectedDisk {
  model::DiskFormat format = model::DiskFormat::raw;
  DiskIo io = DiskIo::automatic;
};

// Turns a ready base file into an instance disk (raw, qcow2 ...).
class DiskBackend {
 public:
  virtual ~DiskBackend() = default;

  // `size` absent: the base file's own. Error(disk_too_small) with both sizes when it is smaller than the base's.
  // Whatever goes wrong, nothing but `place.staged` is left to be removed.
  virtual MadeDisk create_disk(const DiskPlace& place, std::optional<Bytes> size, const cache::BaseFile& base,
                               OpContext& op) = 0;

  // Brings the disk at `place.path`, of this backend's format (by disk.info, never by probing), to `size`; as large
  // already: does nothing. Error(disk_too_small) with both sizes when it is larger than asked.
  virtual MadeDisk grow_disk(const DiskPlace& place, std::optional<Bytes> size, OpContext& op) = 0;

  // What create_disk() would make of a base file of that format, or, where it isn't known yet, of any. Nothing: that
  // would tell.
  virtual std::optional<ExpectedDisk> expected(std::optional<model::DiskFormat> base) const = 0;
};

}  // namespace basecache::provision
