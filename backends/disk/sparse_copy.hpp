#pragma once

#include <functional>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"

namespace basecache::disk {

// Ways to copy a file, the cheapest first; where the file system can't, the next one is tried.
enum class CopyMethod {
  clone,       // FICLONE: shares the blocks (XFS, Btrfs), takes no time and no space
  copy_range,  // copy_file_range(2): within the kernel, or within the server on NFS
  read_write,  // everywhere
};

// Copies `source` to `target`, which must not exist (mode 0644), keeping its holes. `reached` is told after each block
// how far into the source it is; `op` is checked before each. On failure a partly written target stays. Not synced.
void copy_sparse(const Path& source, const Path& target, const std::function<void(Bytes)>& reached, const OpContext& op,
                 CopyMethod first = CopyMethod::clone);

}  // namespace basecache::disk
