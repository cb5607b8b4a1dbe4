#include "backends/decode/sparse_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/base/error.hpp"

namespace basecache::decode {
namespace {

constexpr std::uint64_t kBlock = 4096;  // a hole can't be smaller than a file system's block

Error failed(const char* doing, int error) { return Error::from_errno(error, doing); }

bool all_zero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

void write_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    const int error = errno;
    if (count < 0 && error == EINTR) continue;
    if (count < 0) throw failed("write the decoded disk", error);
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

// Length of the block that begins at `at`, of the file at `offset`.
std::size_t block_length(std::size_t left, std::uint64_t offset) {
  return std::min<std::size_t>(left, static_cast<std::size_t>(kBlock - offset % kBlock));
}

}  // namespace

SparseOutput::SparseOutput(int fd, std::uint64_t size) : fd_(fd), behind_(fd, "the decoded disk") {
  if (::ftruncate(fd, static_cast<off_t>(size)) == 0) return;
  const int error = errno;
  throw failed("make room for the decoded disk", error);
}

// Runs of data go out in one write each.
void SparseOutput::write(std::span<const std::byte> bytes, std::uint64_t offset, SectorSum& sum) {
  while (!bytes.empty()) {
    const std::uint64_t run_offset = offset;
    std::size_t run = 0;
    std::size_t zeros = 0;
    while (run < bytes.size()) {
      const auto block = bytes.subspan(run, block_length(bytes.size() - run, run_offset + run));
      if (all_zero(block)) {
        zeros = block.size();
        break;
      }
      run += block.size();
    }
    write_at(fd_, bytes.first(run), run_offset);
    sum.add(bytes.first(run), run_offset);
    behind_.wrote(Bytes{run});
    bytes = bytes.subspan(run + zeros);
    offset += run + zeros;
  }
}

}  // namespace basecache::decode
