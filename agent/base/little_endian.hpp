#pragma once

#include <concepts>
#include <cstddef>
#include <span>

// Numbers in the order of FAT, of partition tables, and of ISO 9660 where both orders stand there.
namespace basecache {

// The caller knows that there is room.
template <std::unsigned_integral Number>
void put_number(std::span<std::byte> bytes, std::size_t offset, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    bytes[offset + i] = static_cast<std::byte>(number >> (8 * i) & 0xffU);
}

// The caller knows that it is there.
template <std::unsigned_integral Number>
Number number_at(std::span<const std::byte> bytes, std::size_t offset) {
  Number number = 0;
  for (std::size_t i = sizeof(Number); i > 0; --i) {
    number = static_cast<Number>(static_cast<Number>(number << 8U) | std::to_integer<Number>(bytes[offset + i - 1]));
  }
  return number;
}

}  // namespace basecache
