#include "backends/inspect/byte_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backends/inspect/refusal.hpp"

namespace basecache::inspect {

bool ByteReader::has(std::uint64_t offset, std::uint64_t length) const {
  return offset <= bytes_.size() && length <= bytes_.size() - offset;
}

std::span<const std::byte> ByteReader::bytes(std::uint64_t offset, std::uint64_t length) const {
  if (!has(offset, length)) {
    refuse(Check::truncated,
           fmt::format("it is truncated: {} ends after {} bytes, before the {} bytes at {}", structure_, bytes_.size(),
                       length, offset),
           kFetchAgain);
  }
  return bytes_.subspan(offset, length);
}

std::uint64_t ByteReader::number(std::uint64_t offset, std::size_t width) const {
  const std::span<const std::byte> field = bytes(offset, width);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::byte next = order_ == ByteOrder::big ? field[i] : field[width - 1 - i];
    value = value << 8 | std::to_integer<std::uint64_t>(next);
  }
  return value;
}

std::string_view ByteReader::text(std::uint64_t offset, std::uint64_t length) const {
  const std::span<const std::byte> part = bytes(offset, length);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

bool ByteReader::all_zero(std::uint64_t offset, std::uint64_t length) const {
  return std::ranges::all_of(bytes(offset, length), [](std::byte one) { return one == std::byte{0}; });
}

bool ByteReader::holds(std::uint64_t offset, std::string_view expected) const {
  return has(offset, expected.size()) && text(offset, expected.size()) == expected;
}

}  // namespace basecache::inspect
