#pragma once

#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"

namespace basecache::lvm {

// The command lines of lvm(8) that we use, as pure functions. Names are checked before they come here (volume_name).
// Reports are JSON with sizes in bytes; nothing asks questions. Whether LVM keeps a backup of its metadata
// (--autobackup) is the host's own setting.

using Argv = std::vector<std::string>;

// How a volume takes its space.
enum class Allocation {
  linear,  // all of it when it is made
  sparse,  // a copy-on-write store over nothing: what is written beyond the store's size breaks the volume
  thin,    // from a thin pool, as it is written
};

// A copy-on-write store is never smaller, as with Nova's sparse_logical_volumes.
inline constexpr Bytes kLeastStore = mebibytes(64);

// The copy-on-write store of a sparse volume that is going to hold so much: with its tables, which need a 16-byte entry
// for each chunk of 4 KiB, and room for a guest's first writes.
Bytes store_size(Bytes data);

Argv group_report_argv(const std::string& group);
Argv volume_report_argv(const std::string& group);

// A new volume and the group it is made in. LVM rounds sizes up to whole extents. What it finds of file systems in the
// space isn't asked about nor wiped: all of a volume is written before anybody reads it.
Argv create_linear_argv(const std::string& group, const std::string& volume, Bytes size);
// --type: what LVM makes of a size and a virtual size by itself is the host's setting, by default a new thin pool. (Of
// this type LVM refuses to be told about wiping, and doesn't.)
Argv create_sparse_argv(const std::string& group, const std::string& volume, Bytes size, Bytes store);
Argv create_thin_argv(const std::string& group, const std::string& volume, Bytes size, const std::string& pool);

Argv rename_argv(const std::string& group, const std::string& from, const std::string& to);
// `size`: what it has afterwards. Refused by LVM unless that is more.
Argv extend_argv(const std::string& group, const std::string& volume, Bytes size);
// Active volumes too; refused by LVM while somebody has the volume open.
Argv remove_argv(const std::string& group, const std::string& volume);

// Also one that isn't activated by itself, as thin snapshots aren't.
Argv activate_argv(const std::string& group, const std::string& volume);

Argv add_tag_argv(const std::string& group, const std::string& volume, const std::string& tag);
Argv remove_tag_argv(const std::string& group, const std::string& volume, const std::string& tag);

}  // namespace basecache::lvm
