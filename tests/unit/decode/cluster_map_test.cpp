#include "backends/decode/cluster_map.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::decode;

namespace {

void put(std::vector<std::byte>& bytes, std::size_t at, std::uint64_t number, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::byte>(number >> (8 * (width - 1 - i)));
}

std::vector<std::byte> header(std::uint32_t version = 3) {
  std::vector<std::byte> bytes(kHeaderLength);
  put(bytes, 0, 0x514649fb, 4);
  put(bytes, 4, version, 4);
  put(bytes, 20, 16, 4);         // cluster_bits
  put(bytes, 24, 10 << 20, 8);   // virtual size
  put(bytes, 36, 1, 4);          // L1 entries
  put(bytes, 40, 3 * 65536, 8);  // L1 table
  return bytes;
}

std::vector<std::byte> table(const Geometry& geometry, std::initializer_list<std::uint64_t> entries) {
  std::vector<std::byte> bytes(geometry.cluster_size());
  std::size_t at = 0;
  for (const std::uint64_t entry : entries) put(bytes, 8 * at++, entry, 8);
  return bytes;
}

constexpr std::uint64_t kCopied = std::uint64_t{1} << 63;
constexpr std::uint64_t kCompressed = std::uint64_t{1} << 62;

}  // namespace

TEST_CASE("the geometry is what the header says") {
  const Geometry geometry = read_geometry(header());
  CHECK(geometry.cluster_size() == 65536);
  CHECK(geometry.virtual_size == 10 << 20);
  CHECK(geometry.l1_offset == 3 * 65536);
  CHECK(geometry.l1_entries == 1);
  CHECK(geometry.compression == Compression::zlib);
  CHECK(geometry.guest_bytes_per_table() == std::uint64_t{512} << 20);
  CHECK_FALSE(read_geometry(header(2)).has_zero_flag);
  auto zstd = header();
  put(zstd, 72, 8, 8);
  put(zstd, 104, 1, 1);
  CHECK(read_geometry(zstd).compression == Compression::zstd);
}

TEST_CASE("what has no place in a base file has no geometry") {
  struct Case {
    const char* what;
    std::size_t at;
    std::uint64_t number;
    std::size_t width;
  };
  for (const Case& one :
       {Case{"magic", 0, 0x514649fc, 4}, Case{"version", 4, 4, 4}, Case{"backing file", 8, 4096, 8},
        Case{"tiny clusters", 20, 8, 4}, Case{"huge clusters", 20, 22, 4}, Case{"encryption", 32, 1, 4},
        Case{"L1 too small", 36, 0, 4}, Case{"L1 too large", 36, (4 << 20) + 1, 4}, Case{"L1 unaligned", 40, 512, 8},
        Case{"L1 nowhere", 40, std::uint64_t{1} << 63, 8}, Case{"data file", 72, 4, 8}, Case{"corrupt", 72, 2, 8},
        Case{"unknown feature", 72, 32, 8}, Case{"size of no L1", 24, std::uint64_t{1} << 60, 8}}) {
    CAPTURE(one.what);
    auto bytes = header();
    put(bytes, one.at, one.number, one.width);
    CHECK_THROWS_AS(read_geometry(bytes), Error);
  }
  auto type = header();
  put(type, 72, 8, 8);
  put(type, 104, 2, 1);
  CHECK_THROWS_AS(read_geometry(type), Error);
  const auto whole = header();
  CHECK_THROWS_AS(read_geometry(std::span(whole).first(60)), Error);
}

TEST_CASE("neighbours are one extent, and extents stand as in the file") {
  const Geometry geometry{.virtual_size = 6 * 65536};
  const auto extents = extents_of(
      geometry, 0, table(geometry, {0x90000 | kCopied, 0xa0000 | kCopied, 0, 0x50000 | kCopied, 0x70000 | 1}));
  REQUIRE(extents.size() == 2);
  CHECK(extents[0] == Extent{.guest = 3 * 65536, .host = 0x50000, .host_length = 65536, .guest_length = 65536});
  CHECK(extents[1] == Extent{.guest = 0, .host = 0x90000, .host_length = 131072, .guest_length = 131072});
}

TEST_CASE("version 2 has no zero flag") {
  const Geometry geometry{.has_zero_flag = false, .virtual_size = 65536};
  CHECK(extents_of(geometry, 0, table(geometry, {0x70000 | 1})).size() == 1);
}

TEST_CASE("nothing reaches behind the virtual size") {
  const Geometry geometry{.virtual_size = 65536 + 512};
  const auto extents = extents_of(geometry, 0, table(geometry, {0x50000, kCompressed | 0x70001, 0x90000}));
  REQUIRE(extents.size() == 2);
  CHECK(extents[1].guest == 65536);
  CHECK(extents[1].guest_length == 512);
  CHECK(extents_of(geometry, 1, table(geometry, {0x50000})).empty());
}

TEST_CASE("a compressed cluster ends with its last sector") {
  const Geometry geometry{.virtual_size = 65536};
  // 54 bits of offset, then the sectors behind the first.
  const auto extents =
      extents_of(geometry, 0, table(geometry, {kCompressed | std::uint64_t{3} << 54 | (0x50000 + 100)}));
  REQUIRE(extents.size() == 1);
  CHECK(extents[0] ==
        Extent{.guest = 0, .host = 0x50064, .host_length = 4 * 512 - 100, .guest_length = 65536, .compressed = true});
}

TEST_CASE("of a cluster with subclusters only those that are allocated count") {
  const Geometry geometry{.extended_l2 = true, .virtual_size = 2 * 65536};
  const auto extents = extents_of(geometry, 0, table(geometry, {0x50000, 0b1011, 0, std::uint64_t{1} << 33}));
  REQUIRE(extents.size() == 2);
  CHECK(extents[0] == Extent{.guest = 0, .host = 0x50000, .host_length = 4096, .guest_length = 4096});
  CHECK(extents[1].guest == 6144);
  CHECK(extents[1].host == 0x50000 + 6144);
  CHECK(extents[1].host_length == 2048);
  CHECK_THROWS_AS(extents_of(geometry, 0, table(geometry, {0x50000, std::uint64_t{1} << 32 | 1})), Error);
  CHECK_THROWS_AS(extents_of(geometry, 0, table(geometry, {0, 1})), Error);
}

TEST_CASE("a cluster between two clusters is damage") {
  const Geometry geometry{.virtual_size = 65536};
  CHECK_THROWS_AS(extents_of(geometry, 0, table(geometry, {0x50200})), Error);
}

TEST_CASE("an L2 table between two clusters is damage") {
  const Geometry geometry{.virtual_size = 65536};
  CHECK(l2_table_offset(geometry, kCopied | 0x50000) == 0x50000);
  CHECK(l2_table_offset(geometry, 0) == 0);
  CHECK_THROWS_AS((void)l2_table_offset(geometry, 0x50200), Error);
}

TEST_CASE("the disk needs as many tables as it has begun") {
  CHECK(Geometry{.virtual_size = 0}.tables() == 0);
  CHECK(Geometry{.virtual_size = 512}.tables() == 1);
  CHECK(Geometry{.virtual_size = std::uint64_t{512} << 20}.tables() == 1);
  CHECK(Geometry{.virtual_size = (std::uint64_t{512} << 20) + 512}.tables() == 2);
}
