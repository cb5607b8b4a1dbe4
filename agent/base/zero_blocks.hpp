#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace basecache {

bool all_zero(std::span<const std::byte> bytes);

// What of `bytes`, which belong at `offset` of a file that is all zeros there, has to be written: each run of blocks
// that hold something, with its offset. Blocks are a file system's, of 4 KiB: a hole can't be smaller.
void for_each_run_to_write(std::span<const std::byte> bytes, std::uint64_t offset,
                           const std::function<void(std::span<const std::byte>, std::uint64_t)>& take);

}  // namespace basecache
