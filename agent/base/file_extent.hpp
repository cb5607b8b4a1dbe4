#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

namespace basecache {

// From `begin` up to, not including, `end`; bytes of a file.
struct FileExtent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  friend bool operator==(const FileExtent&, const FileExtent&) = default;
};

// The next run of data of an open file from `from` on, none of it behind `size`; nothing when only a hole is left up to
// there. All is data where the file system knows no holes. `path` names it in an Error.
std::optional<FileExtent> next_extent(int fd, std::uint64_t from, Bytes size, const Path& path);

}  // namespace basecache
