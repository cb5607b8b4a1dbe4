#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace basecache {

// What a file holds, as a number that finds accidents (not forgery), told of its sectors of 512 bytes in any order, by
// any number of threads; sectors of zeros add nothing, so holes and stored zeros are alike. The sum, modulo 2^64 in
// each half, over every sector that isn't all zero, of
//   XXH3-128(XXH3-128(sector), seeded with the sector's index)
// The file's last sector is filled up with zeros.
class SectorSum {
 public:
  static constexpr std::size_t kSector = 512;

  // `offset` is a multiple of 512; so is the length, unless the file ends there. No sector may be told of twice.
  void add(std::span<const std::byte> bytes, std::uint64_t offset);
  // What another one has been told.
  void add(const SectorSum& other);

  // 32 hexadecimal digits.
  std::string hex() const;
  // Throws nothing, but is nothing for what hex() never gave.
  static bool parse(std::string_view hex, SectorSum& sum);

  bool operator==(const SectorSum&) const = default;

 private:
  void add_sector(std::span<const std::byte> sector, std::uint64_t index);

  std::array<std::uint64_t, 2> halves_{};
};

}  // namespace basecache
