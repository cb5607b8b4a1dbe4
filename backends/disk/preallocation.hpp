#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

namespace basecache::disk {

// [DEFAULT] preallocate_images.
enum class Preallocation {
  none,   // disks take space as they are written
  space,  // a disk's whole virtual size is reserved when it is made
};

// With Preallocation::space, reserves `size` bytes for the file without changing its length or content, as
// `fallocate -n -l` in Nova's Image.cache. Error(no_space). A file system that can't reserve is left alone, as by Nova.
void preallocate(Preallocation preallocation, const Path& file, Bytes size);

}  // namespace basecache::disk
