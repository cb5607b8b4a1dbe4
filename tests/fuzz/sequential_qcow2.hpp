#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace basecache::fuzz {

// The raw disk that a qcow2 file holds, by going from the guest's side through the tables, one cluster after the other
// (QEMU's docs/interop/qcow2.txt): slow, and written without a look at backends/decode, against which it is held.
// Nothing for what QEMU refuses to read, and for what has no place in a base file.
std::optional<std::vector<std::byte>> decode_sequentially(std::span<const std::byte> file);

}  // namespace basecache::fuzz
