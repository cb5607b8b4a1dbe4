#pragma once

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "backends/sandbox/sandbox.hpp"

namespace basecache::disk {

// Disks are raw files or block devices; no links.

// Whether the whole raw disk is one ext2/3/4 file system, with no partition table around it. A disk that has both
// (partitioned after it was formatted) is partitioned: growing what is left of the file system would damage it.
bool is_bare_ext(const Path& disk);

// Grows an ext2/3/4 file system to the size of its disk: `e2fsck -fp`, then `resize2fs`, as Nova's resize2fs.
// False when the tools refuse (damage, features that they don't know): the guest then finds its file system as it was
// in the image, on a larger disk, as with Nova. Error(tool_failed) when a tool is missing, Error(no_space).
// Both run in the sandbox: a guest may have written what they read.
bool grow_ext(const sandbox::Sandbox& sandbox, const Path& disk, const OpContext& op);

}  // namespace basecache::disk
