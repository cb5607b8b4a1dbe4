#pragma once

#include <functional>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/base/path.hpp"

namespace basecache::cache {

// What a file holds, whether its zeros are stored or are holes: a copy that fills them has the same digest. Written
// "sparse-sha256:<64 hexadecimal digits>": SHA-256 (FIPS 180-4) over
//
//   the file's length in bytes                                          8 bytes, big-endian
//   and for each block of 64 KiB that isn't all zero, in their order:
//     the block's index, counted from 0                                 8 bytes, big-endian
//     the block; the file's last one may be shorter                     1 to 65536 bytes
//
// Holes cost nothing: they are skipped with SEEK_DATA.
inline constexpr const char* kContentDigestPrefix = "sparse-sha256:";

// The disk doesn't give the file's bytes any more (EIO): a bad sector, say.
class LostBytes : public Error {
 public:
  using Error::Error;
};

// `passed` hears of each piece that was read; what it throws ends the reading. LostBytes, or another Error
// when the file can't be read, naming `path`.
std::string content_digest(int fd, const Path& path, const std::function<void(Bytes piece)>& passed);

}  // namespace basecache::cache
