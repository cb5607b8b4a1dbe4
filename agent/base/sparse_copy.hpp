#pragma once

#include <functional>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/slots.hpp"

namespace basecache {

// Ways to copy a file, the cheapest first; where the file system can't, the next one is tried.
enum class CopyMethod {
  clone,       // FICLONE: shares the blocks (XFS, Btrfs), takes no time and no space
  copy_range,  // copy_file_range(2): within the kernel, or within the server on NFS
  read_write,  // everywhere
};

// A file that is open; `path` names it in errors.
struct CopyEnd {
  int fd;
  const Path& path;
};

struct CopyTerms {
  CopyMethod first = CopyMethod::clone;
  Slots* slots = nullptr;  // one is taken where bytes have to be moved; null: as many copies as there are
};

// Copies what `source`, of `size` bytes, holds to `target`, which is empty, keeping its holes. `reached` is told after
// each block how far into the source it is (who reads the target up to there may use its descriptor; what the source
// gains meanwhile isn't copied); `op` is checked before each. On failure a partly written target stays. Not
// synced. Returns whether it is a clone.
bool copy_sparse(const CopyEnd& source, Bytes size, const CopyEnd& target, const std::function<void(Bytes)>& reached,
                 const OpContext& op, const CopyTerms& terms = {});

// The same to a new file (mode 0644). Neither may be a symbolic link.
void copy_sparse(const Path& source, const Path& target, const std::function<void(Bytes)>& reached, const OpContext& op,
                 const CopyTerms& terms = {});

}  // namespace basecache
