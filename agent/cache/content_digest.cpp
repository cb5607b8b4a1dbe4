#include "agent/cache/content_digest.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "agent/base/digest.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/text.hpp"

namespace basecache::cache {
namespace {

constexpr std::uint64_t kBlock = 64 * 1024;
constexpr std::uint64_t kPiece = 16 * kBlock;  // read at once

std::array<std::byte, 8> big_endian(std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(number >> (8 * (7 - i)));
  return bytes;
}

bool all_zero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

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

void hash_blocks(Hasher& hasher, std::span<const std::byte> piece, std::uint64_t offset) {
  for (std::uint64_t at = 0; at < piece.size(); at += kBlock) {
    const auto block = piece.subspan(at, std::min<std::uint64_t>(kBlock, piece.size() - at));
    if (all_zero(block)) continue;
    hasher.update(big_endian((offset + at) / kBlock));
    hasher.update(block);
  }
}

}  // namespace

std::string content_digest(int fd, const Path& path, const std::function<void(Bytes)>& passed) {
  const std::uint64_t length = state_of(fd, path).size.count;
  Hasher hasher(DigestAlgorithm::sha256);
  hasher.update(big_endian(length));
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
      hash_blocks(hasher, wanted, read_until);
      read_until += wanted.size();
      passed({wanted.size()});
    }
  }
  return kContentDigestPrefix + hasher.finish().hex;
}

}  // namespace basecache::cache
