#pragma once

#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::qemu {

// The command lines of qemu-img that we use, as pure functions. Every one names the formats of its files: a format
// that QEMU had to guess would be chosen by the guest, who can write a qcow2 header with a backing file into a raw
// disk. Paths must be absolute: qemu-img takes "nbd:..." or "json:..." at the start of a name for a protocol.

// qemu-img info of one file, as JSON on stdout. The file isn't locked, as nobody else may write it.
std::vector<std::string> describe_argv(const Path& image, model::DiskFormat format);

// qemu-img convert to a new raw file. Runs of 4 KiB of zeroes become holes; progress goes to stdout.
std::vector<std::string> convert_to_raw_argv(const Path& image, model::DiskFormat format, const Path& raw_file);

// qemu-img create of a qcow2 file of `size` over `base`.
std::vector<std::string> create_overlay_argv(const Path& overlay, const Path& base, model::DiskFormat base_format,
                                             Bytes size);

// qemu-img resize of a disk, never to a smaller size.
std::vector<std::string> grow_argv(const Path& disk, model::DiskFormat format, Bytes size);

}  // namespace basecache::qemu
