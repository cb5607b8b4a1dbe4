#include "agent/base/zero_blocks.hpp"

#include <algorithm>
#include <cstring>

namespace basecache {
namespace {

constexpr std::uint64_t kBlock = 4096;

// Length of the block, or its part, that begins at `offset` of the file.
std::size_t block_length(std::size_t left, std::uint64_t offset) {
  return std::min<std::size_t>(left, static_cast<std::size_t>(kBlock - offset % kBlock));
}

// Of `bytes`' first blocks, how many bytes until one whose being all zero is `zero`.
std::size_t length_until(bool zero, std::span<const std::byte> bytes, std::uint64_t offset) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto block = bytes.subspan(at, block_length(bytes.size() - at, offset + at));
    if (all_zero(block) == zero) break;
    at += block.size();
  }
  return at;
}

}  // namespace

bool all_zero(std::span<const std::byte> bytes) {
  return bytes.empty() ||
         (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

void for_each_run_to_write(std::span<const std::byte> bytes, std::uint64_t offset,
                           const std::function<void(std::span<const std::byte>, std::uint64_t)>& take) {
  while (!bytes.empty()) {
    const std::size_t zeros = length_until(false, bytes, offset);
    const std::size_t run = length_until(true, bytes.subspan(zeros), offset + zeros);
    if (run > 0) take(bytes.subspan(zeros, run), offset + zeros);
    bytes = bytes.subspan(zeros + run);
    offset += zeros + run;
  }
}

}  // namespace basecache
