#pragma once

#include <functional>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/base/path.hpp"
#include "agent/base/sector_sum.hpp"

namespace basecache::cache {

// What a file holds, whether its zeros are stored or are holes: a copy that fills them has the same digest. It finds
// what disks and people do to files; it is no proof against who means to deceive, and who can write to `_base` can
// write the record too. Written "sectors-xxh3:<length in bytes>:<32 hexadecimal digits of the SectorSum>".
inline constexpr const char* kContentDigestPrefix = "sectors-xxh3:";
std::string content_digest(const SectorSum& sum, Bytes length);

// The disk doesn't give the file's bytes any more (EIO): a bad sector, say.
class LostBytes : public Error {
 public:
  using Error::Error;
};

// By reading the file; holes cost nothing: they are skipped with SEEK_DATA. `passed` hears of each piece that was read;
// what it throws ends the reading. LostBytes, or another Error when the file can't be read, naming `path`.
std::string content_digest(int fd, const Path& path, const std::function<void(Bytes piece)>& passed);

}  // namespace basecache::cache
