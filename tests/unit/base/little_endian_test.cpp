#include "agent/base/little_endian.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

using namespace basecache;

TEST_CASE("a number of any width is read as it was put, its lowest byte first") {
  std::array<std::byte, 10> bytes{};
  put_number<std::uint64_t>(bytes, 1, 0xf123456789abcdefULL);
  CHECK(bytes[0] == std::byte{0});
  CHECK(bytes[1] == std::byte{0xef});
  CHECK(bytes[8] == std::byte{0xf1});
  CHECK(bytes[9] == std::byte{0});
  CHECK(number_at<std::uint64_t>(bytes, 1) == 0xf123456789abcdefULL);
  CHECK(number_at<std::uint32_t>(bytes, 1) == 0x89abcdefU);
  CHECK(number_at<std::uint16_t>(bytes, 7) == 0xf123U);
  CHECK(number_at<std::uint8_t>(bytes, 2) == 0xcdU);
  put_number<std::uint8_t>(bytes, 9, 7);
  CHECK(number_at<std::uint16_t>(bytes, 8) == 0x07f1U);
}
