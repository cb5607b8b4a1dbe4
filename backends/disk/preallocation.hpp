#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"
#include "agent/provision/disk_backend.hpp"

namespace basecache::disk {

// [DEFAULT] preallocate_images.
enum class Preallocation {
  none,   // disks take space as they are written
  space,  // a disk's whole virtual size is reserved when it is made
};

// With Preallocation::space, reserves `size` bytes for the file without changing its length or content, as
// `fallocate -n -l` in Nova's Image.cache. Error(no_space). A file system that can't reserve is left alone, as by Nova.
void preallocate(Preallocation preallocation, const Path& file, Bytes size);

// Of every disk of a backend that is configured so, also of one that was made before, as by Nova's Flat and Qcow2.
constexpr provision::DiskIo io_of(Preallocation preallocation) {
  return preallocation == Preallocation::space ? provision::DiskIo::native : provision::DiskIo::automatic;
}

}  // namespace basecache::disk
