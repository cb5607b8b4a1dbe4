#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace basecache::inspect {

enum class ByteOrder { big, little };

// Reads numbers and text out of bytes that nobody has checked yet. A read past the end is never undefined behaviour:
// it refuses the image (throws Refusal) as one that ends inside `structure`. Borrows the bytes.
class ByteReader {
 public:
  // `structure` names what is read in that refusal ("the qcow2 header"); must be a string literal.
  ByteReader(std::span<const std::byte> bytes, ByteOrder order, std::string_view structure)
      : bytes_(bytes), order_(order), structure_(structure) {}

  std::size_t size() const { return bytes_.size(); }
  bool has(std::uint64_t offset, std::uint64_t length) const;

  std::uint8_t u8(std::uint64_t offset) const { return static_cast<std::uint8_t>(number(offset, 1)); }
  std::uint16_t u16(std::uint64_t offset) const { return static_cast<std::uint16_t>(number(offset, 2)); }
  std::uint32_t u32(std::uint64_t offset) const { return static_cast<std::uint32_t>(number(offset, 4)); }
  std::uint64_t u64(std::uint64_t offset) const { return number(offset, 8); }

  std::span<const std::byte> bytes(std::uint64_t offset, std::uint64_t length) const;
  // The same bytes as characters; may hold NULs and anything else.
  std::string_view text(std::uint64_t offset, std::uint64_t length) const;
  bool all_zero(std::uint64_t offset, std::uint64_t length) const;
  // Whether `expected` stands there; false, not a Refusal, where the bytes end too early.
  bool holds(std::uint64_t offset, std::string_view expected) const;

  // A part of it, named anew.
  ByteReader part(std::uint64_t offset, std::uint64_t length, std::string_view structure) const {
    return {bytes(offset, length), order_, structure};
  }

 private:
  std::uint64_t number(std::uint64_t offset, std::size_t width) const;

  std::span<const std::byte> bytes_;
  ByteOrder order_;
  std::string_view structure_;
};

}  // namespace basecache::inspect
