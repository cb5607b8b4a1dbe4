#include "agent/cache/content_digest.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/base/file_state.hpp"
#include "agent/base/text.hpp"

namespace basecache::cache {
namespace {

constexpr std::uint64_t kBlock = 4096;     // data begins and ends at its multiples, whatever the file system says
constexpr std::uint64_t kPiece = 1 << 20;  // read at once

// Where data or a hole begins at or behind `from`; `length` when nowhere. Where the file system knows no holes, all is
// data.
std::uint64_t seek(int fd, std::uint64_t from, std::uint64_t length, int what, const Path& path) {
  const off_t found = ::lseek(fd, static_cast<off_t>(from), what);
  const int error = errno;
  if (found >= 0) return std::min(static_cast<std::uint64_t>(found), length);
  if (error == ENXIO) return length;
  if (error == EINVAL) return what == SEEK_DATA ? from : length;
  throw Error::from_errno(error, "look for the data of " + quote(path.native()));
}

[[noreturn]] void throw_unreadable(int error, const Path& path) {
  Error failed = Error::from_errno(error, "read " + quote(path.native()));
  if (error == EIO) throw LostBytes(failed.code(), failed.message());
  throw failed;
}

// Fills `piece`.
void read_piece(int fd, std::span<std::byte> piece, std::uint64_t offset, const Path& path) {
  while (!piece.empty()) {
    const ssize_t count = ::pread(fd, piece.data(), piece.size(), static_cast<off_t>(offset));
    const int error = errno;
    if (count < 0 && error == EINTR) continue;
    if (count < 0) throw_unreadable(error, path);
    if (count == 0) {
      throw Error(ErrorCode::storage_unusable, quote(path.native()) + " became shorter while it was read");
    }
    offset += static_cast<std::uint64_t>(count);
    piece = piece.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace

std::string content_digest(const SectorSum& sum, Bytes length) {
  return fmt::format("{}{}:{}", kContentDigestPrefix, length.count, sum.hex());
}

std::string content_digest(int fd, const Path& path, const std::function<void(Bytes)>& passed) {
  const std::uint64_t length = state_of(fd, path).size.count;
  SectorSum sum;
  std::vector<std::byte> buffer(kPiece);
  std::uint64_t read_until = 0;
  while (read_until < length) {
    const std::uint64_t data = seek(fd, read_until, length, SEEK_DATA, path);
    if (data == length) break;
    const std::uint64_t data_end = seek(fd, data, length, SEEK_HOLE, path);
    read_until = std::max(read_until, data - data % kBlock);
    const std::uint64_t end = std::min(length, (data_end + kBlock - 1) / kBlock * kBlock);
    while (read_until < end) {
      const auto wanted = std::span(buffer).first(std::min(kPiece, end - read_until));
      read_piece(fd, wanted, read_until, path);
      sum.add(wanted, read_until);
      read_until += wanted.size();
      passed({wanted.size()});
    }
  }
  return content_digest(sum, Bytes{length});
}

}  // namespace basecache::cache
