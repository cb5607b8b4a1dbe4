#include "backends/inspect/crc32c.hpp"

namespace basecache::inspect {

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  constexpr std::uint32_t kPolynomial = 0x82f6'3b78;
  std::uint32_t crc = ~std::uint32_t{0};
  for (const std::byte next : bytes) {
    crc ^= std::to_integer<std::uint32_t>(next);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ kPolynomial : crc >> 1;
  }
  return ~crc;
}

}  // namespace basecache::inspect
