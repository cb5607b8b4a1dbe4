#include "agent/base/sector_sum.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "agent/base/zero_blocks.hpp"

namespace basecache {
namespace {

constexpr std::size_t kHalf = 16;  // hexadecimal digits

bool parse_half(std::string_view digits, std::uint64_t& half) {
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), half, 16);
  return failed == std::errc() && end == digits.data() + digits.size();
}

}  // namespace

void SectorSum::add(std::span<const std::byte> bytes, std::uint64_t offset) {
  std::uint64_t index = offset / kSector;
  for (; bytes.size() >= kSector; bytes = bytes.subspan(kSector)) add_sector(bytes.first(kSector), index++);
  if (bytes.empty()) return;
  std::array<std::byte, kSector> last{};
  std::ranges::copy(bytes, last.begin());
  add_sector(last, index);
}

void SectorSum::add_sector(std::span<const std::byte> sector, std::uint64_t index) {
  if (all_zero(sector)) return;
  const XXH128_hash_t content = ::XXH3_128bits(sector.data(), sector.size());
  XXH128_canonical_t canonical;
  ::XXH128_canonicalFromHash(&canonical, content);
  const XXH128_hash_t placed = ::XXH3_128bits_withSeed(&canonical, sizeof canonical, index);
  halves_[0] += placed.high64;
  halves_[1] += placed.low64;
}

void SectorSum::add(const SectorSum& other) {
  halves_[0] += other.halves_[0];
  halves_[1] += other.halves_[1];
}

std::string SectorSum::hex() const { return fmt::format("{:016x}{:016x}", halves_[0], halves_[1]); }

bool SectorSum::parse(std::string_view hex, SectorSum& sum) {
  return hex.size() == 2 * kHalf && parse_half(hex.substr(0, kHalf), sum.halves_[0]) &&
         parse_half(hex.substr(kHalf), sum.halves_[1]);
}

}  // namespace basecache
