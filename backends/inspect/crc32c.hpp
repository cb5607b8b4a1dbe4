#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace basecache::inspect {

// CRC-32C (Castagnoli, reflected, as in iSCSI), which VHDX headers carry. For headers of some KiB: no tables.
std::uint32_t crc32c(std::span<const std::byte> bytes);

}  // namespace basecache::inspect
