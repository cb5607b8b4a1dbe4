#include <doctest/doctest.h>

#include "backends/inspect/byte_reader.hpp"
#include "backends/inspect/crc32c.hpp"
#include "backends/inspect/image_sample.hpp"
#include "backends/inspect/refusal.hpp"
#include "tests/unit/inspect/inspect_support.hpp"

namespace basecache::inspect::test {
namespace {

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_CASE("numbers are read in both byte orders, and never past the end") {
  const std::string_view content("\x01\x02\x03\x04\x05\x06\x07\x08\x09", 9);
  const ByteReader big(as_bytes(content), ByteOrder::big, "the test");
  const ByteReader little(as_bytes(content), ByteOrder::little, "the test");
  CHECK(big.u8(8) == 9);
  CHECK(big.u16(0) == 0x0102);
  CHECK(little.u16(0) == 0x0201);
  CHECK(big.u32(1) == 0x02030405);
  CHECK(little.u32(1) == 0x05040302);
  CHECK(big.u64(1) == 0x0203040506070809);
  CHECK(little.u64(1) == 0x0908070605040302);
  for (const std::uint64_t offset : {std::uint64_t{2}, std::uint64_t{9}, ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    CHECK_THROWS_AS(big.u64(offset), Refusal);
    CHECK_FALSE(big.has(offset, 8));
    CHECK_FALSE(big.holds(offset, "12345678"));
  }
  CHECK_THROWS_AS(big.bytes(1, ~std::uint64_t{0}), Refusal);
  CHECK(big.bytes(9, 0).empty());
}

TEST_CASE("CRC-32C gives the check value of its definition") { CHECK(crc32c(as_bytes("123456789")) == 0xe3069283); }

TEST_CASE("a sample keeps the first bytes, the last ones and the range it was asked for, whatever the blocks") {
  std::string content(3 << 20, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 251);
  for (const std::size_t block : {13UL, 2'047UL, 2'049UL, 65'536UL, 4UL << 20}) {
    for (const std::size_t offset : {500'000UL, 1UL << 20, 2'500'000UL}) {
      ImageSample sample;
      sample.keep({.offset = offset, .length = 700'000});
      for (std::size_t at = 0; at < content.size(); at += block) {
        sample.feed(as_bytes(content).subspan(at, std::min(block, content.size() - at)));
      }
      CHECK(sample.length() == content.size());
      CHECK(as_text(sample.head()) == content.substr(0, ImageSample::kHeadSize));
      CHECK(as_text(sample.tail()) == content.substr(content.size() - ImageSample::kTailSize));
      CHECK(as_text(sample.window()) == content.substr(offset, 700'000));
    }
  }
}

TEST_CASE("a sample's memory has a limit, whatever it is asked to keep") {
  ImageSample sample;
  sample.keep({.offset = 1 << 20, .length = ~std::uint64_t{0}});
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 4; ++i) sample.feed(as_bytes(block));
  CHECK(sample.window().size() == ImageSample::kMaxWindow);
  ImageSample beyond;
  beyond.keep({.offset = ~std::uint64_t{0}, .length = ~std::uint64_t{0}});
  beyond.feed(as_bytes(block));
  CHECK(beyond.window().empty());
}

TEST_CASE("an image with any one byte changed is either taken or refused with an explanation") {
  std::uint32_t state = 7;
  const auto next = [&] { return (state = state * 1'664'525 + 1'013'904'223) >> 8; };
  for (const std::string format : {"qcow2", "vmdk", "vpc", "vdi"}) {
    const std::string image = made_by_qemu(format);
    for (int i = 0; i < 200; ++i) {
      const std::size_t offset = next() % (i % 2 == 0 ? 600 : image.size());
      const std::string changed = patched(image, offset, std::string(1, static_cast<char>(next())));
      CAPTURE(offset);
      const std::string said = outcome(changed);
      CAPTURE(said);
      const bool explained =
          said.starts_with("cannot take the image: ") || said.starts_with(format) || said.starts_with("raw");
      CHECK(explained);
    }
  }
}

}  // namespace
}  // namespace basecache::inspect::test
