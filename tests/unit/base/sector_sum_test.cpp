#include "agent/base/streamed_sector_sum.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace basecache;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string noise(std::size_t size) {
  std::mt19937 random(3);
  std::string text(size, '\0');
  for (char& letter : text) letter = static_cast<char>(random());
  return text;
}

SectorSum sum_of(const std::string& text) {
  SectorSum sum;
  sum.add(bytes_of(text), 0);
  return sum;
}

}  // namespace

TEST_CASE("a sum doesn't depend on the order in which sectors are told, nor on who told them") {
  const std::string text = noise(10 * 512);
  SectorSum backwards;
  for (std::size_t i = 10; i > 0; --i) backwards.add(bytes_of(text).subspan((i - 1) * 512, 512), (i - 1) * 512);
  CHECK(backwards == sum_of(text));
  SectorSum first;
  SectorSum second;
  first.add(bytes_of(text).first(2048), 0);
  second.add(bytes_of(text).subspan(2048), 2048);
  first.add(second);
  CHECK(first == sum_of(text));
}

TEST_CASE("zeros add nothing, and a file's last sector is filled up with them") {
  const std::string text = noise(700);
  CHECK(sum_of(text) == sum_of(text + std::string(5000, '\0')));
  CHECK(sum_of(std::string(5000, '\0')) == SectorSum());
}

TEST_CASE("another bit, another place and a repeated sector make another sum") {
  const std::string sector = noise(512);
  std::string flipped = sector;
  flipped[511] = static_cast<char>(flipped[511] ^ 1);
  const std::string zeros(512, '\0');
  CHECK_FALSE(sum_of(sector) == sum_of(flipped));
  CHECK_FALSE(sum_of(sector + zeros) == sum_of(zeros + sector));
  CHECK_FALSE(sum_of(sector + sector) == sum_of(zeros + zeros));
  CHECK_FALSE(sum_of(sector + flipped) == sum_of(flipped + sector));
}

TEST_CASE("a sum that was written down is read again") {
  const SectorSum sum = sum_of(noise(5000));
  SectorSum read;
  CHECK(SectorSum::parse(sum.hex(), read));
  CHECK(read == sum);
  CHECK_FALSE(SectorSum::parse("", read));
  CHECK_FALSE(SectorSum::parse(std::string(32, 'g'), read));
  CHECK_FALSE(SectorSum::parse(sum.hex() + "0", read));
}

TEST_CASE("pieces of any size make the sum of the whole") {
  const std::string text = noise(5003);
  for (const std::size_t piece : {1U, 7U, 511U, 512U, 513U, 1400U, 6000U}) {
    StreamedSectorSum streamed;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      streamed.add(bytes_of(text).subspan(at, std::min(piece, text.size() - at)));
    }
    CHECK(streamed.finish() == sum_of(text));
  }
}
