#pragma once

#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::qemu {

// The command lines of qemu-img that we use, as pure functions. Every one names the formats of its files: a format
// that QEMU had to guess would be chosen by the guest, who can write a qcow2 header with a backing file into a raw
// disk. The files themselves are open already, as descriptors: qemu-img takes "nbd:..." or "json:..." at the start of
// a name for a protocol.

// qemu-img info of its first file, as JSON on stdout.
std::vector<std::string> describe_argv(model::DiskFormat format);

// qemu-img convert of its first file to the second, an empty one of the right length. Runs of 4 KiB of zeroes stay
// holes; progress goes to stdout.
std::vector<std::string> convert_to_raw_argv(model::DiskFormat format);

// qemu-img resize of its first file, without its backing file, never to a smaller size.
std::vector<std::string> grow_argv(model::DiskFormat format, Bytes size);

}  // namespace basecache::qemu
