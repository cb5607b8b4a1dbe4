#include <doctest/doctest.h>

#include "backends/inspect/crc32c.hpp"
#include "tests/unit/inspect/inspect_support.hpp"

namespace basecache::inspect::test {
namespace {

using namespace std::string_literals;

// Bytes put over a good image, and a part of what must be said then.
struct Row {
  std::size_t offset;
  std::string bytes;
  std::string said;
};

void check_rows(const std::string& image, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::string changed = patched(image, row.offset, row.bytes);
    const std::string said = outcome(changed);
    CAPTURE(row.offset);
    CAPTURE(row.said);
    CAPTURE(said);
    CHECK(said.starts_with("cannot take the image: "));
    CHECK(said.find(row.said) != std::string::npos);
    CHECK(outcome(changed, std::max<std::size_t>(7, small_block(changed))) == said);
  }
}

TEST_CASE("a qcow2 header that is dangerous or wrong is refused") {
  const std::string image = made_by_qemu("qcow2");
  const std::string extension = big_endian(0x44415441, 4) + big_endian(11, 4) + "/etc/passwd"s + "\0\0\0\0\0"s;
  check_rows(image,
             {
                 {4, big_endian(4, 4), "version 4"},
                 {8, big_endian(0x200, 8) + big_endian(11, 4), "it has a backing file"},
                 {8, big_endian(~0ULL, 8), "it has a backing file '?'"},
                 {16, big_endian(1, 4), "it has a backing file"},
                 {20, big_endian(8, 4), "cluster_bits is 8"},
                 {20, big_endian(22, 4), "cluster_bits is 22"},
                 {20, big_endian(0xffffffff, 4), "cluster_bits"},
                 {24, big_endian(0, 8), "its disk has no bytes"},
                 {24, big_endian(511, 8), "isn't a multiple of 512"},
                 {24, big_endian(1ULL << 62, 8), "the L1 table has"},
                 {32, big_endian(2, 4), "encrypted (qcow2 crypt_method 2)"},
                 {36, big_endian(0, 4), "the L1 table has 0 entries"},
                 {36, big_endian(0xffffffff, 4), "the L1 table has"},
                 {36, big_endian(262'144, 4), "it is truncated: the L1 table"},
                 {40, big_endian(0, 8), "the L1 table stands at 0"},
                 {40, big_endian(0x30001, 8), "the L1 table stands at"},
                 {40, big_endian(1ULL << 40, 8), "it is truncated: the L1 table"},
                 {48, big_endian(0, 8), "the refcount table stands at 0"},
                 {48, big_endian(1ULL << 40, 8), "it is truncated: the refcount table"},
                 {56, big_endian(0, 4), "the refcount table has 0"},
                 {56, big_endian(0x10000, 4), "the refcount table has"},
                 {60, big_endian(65'537, 4), "internal snapshots (65537)"},
                 {72, big_endian(1, 8), "not closed properly"},
                 {72, big_endian(2, 8), "not closed properly"},
                 {72, big_endian(4, 8), "external data file"},
                 {72, big_endian(8, 8), "unknown compression"},
                 {72, big_endian(32, 8), "unknown incompatible qcow2 features (0x20)"},
                 {72, big_endian(1ULL << 63, 8), "unknown incompatible"},
                 {96, big_endian(7, 4), "refcount_order"},
                 {100, big_endian(103, 4), "header_length is 103"},
                 {100, big_endian(65'544, 4), "header_length"},
                 {104, "\1", "unknown compression"},
                 {104, "\2", "unknown compression"},
                 {112, extension, "external data file '/etc/passwd'"},
                 {112, big_endian(0xe2792aca, 4) + big_endian(3, 4) + "raw"s, "the format 'raw' of a backing file"},
                 {112, big_endian(0x0537be77, 4) + big_endian(16, 4), "encryption header"},
                 {112, big_endian(1, 4) + big_endian(0xffffffff, 4), "larger than its cluster"},
                 {0x30000, big_endian(1ULL << 63 | 1ULL << 40, 8), "it is truncated: L2 table 0"},
                 {0x30000, big_endian(1ULL << 63 | 0x40200, 8), "L2 table 0 is said to be at 262656, not at a cluster"},
                 {0x40000, big_endian(1ULL << 63 | 1ULL << 40, 8), "it is truncated: cluster 0"},
                 {0x40000, big_endian(1ULL << 63 | 0x50200, 8), "cluster 0 is said to be at"},
                 {0x40000, big_endian(1ULL << 62 | 1ULL << 40, 8), "it is truncated: compressed cluster 0"},
             });
}

TEST_CASE("an extension that hides in a qcow2 of version 2 is found") {
  const std::string image = made_by_qemu("qcow2", "compat=0.10");
  check_rows(image, {{72, big_endian(0x44415441, 4) + big_endian(4, 4) + "/etc"s, "external data file '/etc'"}});
}

TEST_CASE("extensions of a qcow2 that reach beyond what is kept of the image are refused") {
  const std::string image = made_by_qemu("qcow2", "cluster_size=2M");
  check_rows(image,
             {{112, big_endian(1, 4) + big_endian(65'536 - 120, 4), "header extensions are broken: they don't end"},
              {112, big_endian(1, 4) + big_endian(65'537 - 120, 4), "one is larger than its cluster"}});
}

TEST_CASE("a virtual size beyond all reason is refused") {
  std::string image = made_by_qemu("qcow2", "cluster_size=2M");
  // An L1 entry covers 512 GiB; the L1 table has its cluster to itself.
  image = patched(image, 24, big_endian(65ULL << 40, 8));
  image = patched(image, 36, big_endian(130, 4));
  CHECK(outcome(image) == "cannot take the image: its disk has 65 TiB, more than 64 TiB");
}

// The embedded descriptor replaced; padded to its 20 sectors.
std::string with_descriptor(std::string image, std::string descriptor) {
  descriptor.resize(20 * 512, '\0');
  return patched(std::move(image), 512, descriptor);
}

std::string good_descriptor() {
  return "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n"
         "RW 4096 SPARSE \"disk.vmdk\"\nddb.adapterType = \"ide\"\n";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST_CASE("a VMDK descriptor has to be spelt as everybody reads it") {
  const std::string image = made_by_qemu("vmdk");
  const std::string good = good_descriptor();
  REQUIRE(outcome(with_descriptor(image, good)) == "vmdk 2097152");
  CHECK(outcome(with_descriptor(image, replaced(good, "\n", "\r\n"))) == "vmdk 2097152");
  // As QEMU leaves it when it writes a shorter CID.
  CHECK(outcome(with_descriptor(image, good + "\0"
                                              "47\"\n"s)) == "vmdk 2097152");
  CHECK(outcome(with_descriptor(image, replaced(good, "RW", "RDONLY"))) == "vmdk 2097152");
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "createtype stands in it 0 times"},
      {replaced(good, "parentCID=ffffffff", "parentCID=12345678"), "it has a parent image"},
      {good + "parentFileNameHint=\"/etc/passwd\"\n", "names a parent image"},
      {good + "PARENTFILENAMEHINT=\"/etc/passwd\"\n", "names a parent image"},
      {good + "# parentFileNameHint=\"/etc/passwd\"\n", "names a parent image"},
      {good + "createType=\"monolithicFlat\"\n", "createtype stands in it 2 times"},
      {good + "#CREATETYPE=\"vmfs\"\n", "createtype stands in it 2 times"},
      {good + "CID=1\n", "the key 'CID' is there twice"},
      {good + "cid=1\n", "the key 'cid' isn't known"},
      {good + "changeTrackPath=\"/etc/passwd\"\n", "the key 'changeTrackPath' isn't known"},
      {good + "hello\n", "the line 'hello' means nothing"},
      {replaced(good, "monolithicSparse", "monolithicFlat"), "createType 'monolithicFlat'"},
      {replaced(good, "monolithicSparse", "MONOLITHICSPARSE"), "createType 'MONOLITHICSPARSE'"},
      {replaced(good, "SPARSE", "FLAT"), "isn't one sparse file"},
      {replaced(good, "RW 4096", "rw 4096"), "isn't one sparse file"},
      {replaced(good, "RW 4096", "NOACCESS 4096"), "isn't one sparse file"},
      {replaced(good, "disk.vmdk", "/etc/passwd"), "its extent names a path, '/etc/passwd'"},
      {replaced(good, "disk.vmdk", "..\\passwd"), "its extent names a path"},
      {replaced(good, "disk.vmdk", "nbd:host:1"), "its extent names a path"},
      {replaced(good, "\"disk.vmdk\"", "\"\""), "its extent names a path, ''"},
      {replaced(good, "4096", "4097"), "isn't the whole disk"},
      {replaced(good, "\"disk.vmdk\"", "\"disk.vmdk\" 0"), "isn't the whole disk"},
      {good + "RW 4096 SPARSE \"other.vmdk\"\n", "it has 2 extents"},
      {replaced(good, "RW 4096 SPARSE \"disk.vmdk\"\n", ""), "it has 0 extents"},
      {good + "\0createType"s, "something is hidden behind its descriptor"},
  };
  for (const auto& row : rows) {
    const std::string expected = row.second;
    const std::string said = outcome(with_descriptor(image, row.first));
    CAPTURE(expected);
    CAPTURE(said);
    CHECK(said.find(expected) != std::string::npos);
  }
}

TEST_CASE("a VMDK header that is dangerous or wrong is refused") {
  check_rows(made_by_qemu("vmdk"),
             {
                 {0, "COWD", "ESX copy-on-write"},
                 {4, little_endian(4, 4), "its version is 4"},
                 {12, little_endian(0, 8), "without content of its own"},
                 {12, little_endian(~0ULL, 8), "its size overflows"},
                 {12, little_endian(1ULL << 54, 8), "its grain directory is too large"},
                 {12, little_endian(4095, 8), "isn't the whole disk of 4095 sectors"},
                 {20, little_endian(0, 8), "its grains have 0"},
                 {20, little_endian(129, 8), "its grains have 129"},
                 {20, little_endian(1 << 20, 8), "its grains have"},
                 {28, little_endian(0, 8), "its descriptor isn't where"},
                 {28, little_endian(2, 8), "its descriptor isn't where"},
                 {36, little_endian(0, 8), "its descriptor has 0"},
                 {36, little_endian(1 << 20, 8), "its descriptor has"},
                 {44, little_endian(0, 4), "its grain tables have 0"},
                 {56, little_endian(0, 8), "it is truncated: the VMDK's grain directory"},
                 {56, little_endian(1ULL << 60, 8), "it is truncated: the VMDK's grain directory"},
                 {56, little_endian(~0ULL, 8), "the VMDK's footer is missing"},
                 {73, "\n \n\n", "its line ends were changed"},
             });
}

// A streamOptimized image as VMware writes it: the header says "at the end", the footer says where.
std::string with_footer(const std::string& image) {
  std::string marker = little_endian(1, 8) + little_endian(0, 4) + little_endian(3, 4);
  marker.resize(512, '\0');
  std::string padded = image;
  padded.resize((image.size() + 511) / 512 * 512, '\0');
  return patched(padded, 56, little_endian(~0ULL, 8)) + marker + image.substr(0, 512) + std::string(512, '\0');
}

TEST_CASE("a VMDK's footer has to agree with its header") {
  const std::string image = with_footer(made_by_qemu("vmdk", "subformat=streamOptimized"));
  REQUIRE(outcome(image) == "vmdk 2097152");
  const std::size_t footer = image.size() - 1024;
  const std::string differ = "its header and its footer differ";
  const std::string missing = "the VMDK's footer is missing";
  check_rows(image, {
                        {footer, "XXXX", differ},
                        {footer + 4, little_endian(1, 4), differ},
                        {footer + 12, little_endian(0, 8), differ},
                        {footer + 28, little_endian(9, 8), differ},
                        {footer + 56, little_endian(1ULL << 50, 8), "it is truncated: the VMDK's grain directory"},
                        {footer + 56, little_endian(~0ULL, 8), "it is truncated: the VMDK's grain directory"},
                        {footer - 512 + 8, little_endian(1, 4), missing},
                        {footer - 512 + 12, little_endian(2, 4), missing},
                        {footer - 512 + 100, "x", missing},
                        {footer + 512, "x", missing},
                    });
  CHECK(outcome(image.substr(0, image.size() - 512)).find(missing) != std::string::npos);
}

// With its checksum, the complement of the byte sum, made right again.
std::string with_vhd_checksum(std::string image, std::size_t at, std::size_t size, std::size_t checksum_at) {
  image.replace(at + checksum_at, 4, 4, '\0');
  std::uint32_t sum = 0;
  for (const char one : image.substr(at, size)) sum += static_cast<unsigned char>(one);
  return patched(std::move(image), at + checksum_at, big_endian(~sum, 4));
}

TEST_CASE("a fixed VHD that is dangerous or wrong is refused") {
  const std::string image = made_by_qemu("vpc", "subformat=fixed");
  const std::size_t footer = image.size() - 512;
  const auto changed = [&](std::size_t offset, const std::string& bytes) {
    return outcome(with_vhd_checksum(patched(image, footer + offset, bytes), footer, 512, 64));
  };
  check_rows(image, {{footer + 64, big_endian(1, 4), "checksum is wrong"}});
  CHECK(changed(60, big_endian(4, 4)).find("a differencing VHD") != std::string::npos);
  CHECK(changed(60, big_endian(3, 4)).find("disk type 3 at this place") != std::string::npos);
  CHECK(changed(56, big_endian(0xffff, 2)).find("it is truncated: the fixed VHD") != std::string::npos);
  CHECK(changed(56, big_endian(0, 2)).find("its disk has no bytes") != std::string::npos);
  CHECK(outcome(image.substr(512)).find("it is truncated: the fixed VHD") != std::string::npos);
}

TEST_CASE("a dynamic VHD that is dangerous or wrong is refused") {
  const std::string image = made_by_qemu("vpc", "subformat=dynamic");
  const std::string tail = image.substr(image.size() - 512);
  const auto in_header = [&](std::size_t offset, const std::string& bytes) {
    return outcome(with_vhd_checksum(patched(image, 512 + offset, bytes), 512, 1024, 36));
  };
  const auto in_footer = [&](std::size_t offset, const std::string& bytes) {
    return outcome(with_vhd_checksum(patched(image, offset, bytes), 0, 512, 64));
  };
  CHECK(in_footer(60, big_endian(4, 4)).find("a differencing VHD") != std::string::npos);
  CHECK(in_footer(60, big_endian(2, 4)).find("disk type 2 at this place") != std::string::npos);
  // Behind the id, which is another one each time and may begin with anything.
  CHECK(in_footer(100, "x").find("the footers at its two ends differ") != std::string::npos);
  CHECK(in_footer(16, big_endian(~0ULL, 8)).find("it is truncated") != std::string::npos);
  CHECK(in_header(0, "XXXXXXXX").find("no dynamic header") != std::string::npos);
  CHECK(in_header(40, "x").find("names a parent image") != std::string::npos);
  CHECK(in_header(64, "x").find("names a parent image") != std::string::npos);
  CHECK(in_header(32, big_endian(3, 4)).find("the block size is 3") != std::string::npos);
  CHECK(in_header(28, big_endian(0, 4)).find("larger than its block table") != std::string::npos);
  CHECK(in_header(16, big_endian(1ULL << 60, 8)).find("isn't inside the file") != std::string::npos);
  check_rows(image, {{512 + 36, big_endian(1, 4), "dynamic header's checksum"}, {64, "\1", "checksum is wrong"}});
}

TEST_CASE("a VDI that is dangerous or wrong is refused") {
  check_rows(made_by_qemu("vdi"), {
                                      {0x44, little_endian(1, 4), "the version is 0x1"},
                                      {0x4c, little_endian(4, 4), "a VDI of type 4"},
                                      {0x4c, little_endian(0, 4), "a VDI of type 0"},
                                      {0x154, little_endian(100, 4), "don't begin at sectors"},
                                      {0x158, little_endian(513, 4), "don't begin at sectors"},
                                      {0x158, little_endian(512, 4), "reaches into the blocks"},
                                      {0x168, little_endian(4096, 4), "the sector size is 4096"},
                                      {0x170, little_endian(0, 8), "its disk has no bytes"},
                                      {0x170, little_endian(1ULL << 50, 8), "larger than its blocks"},
                                      {0x178, little_endian(0, 4), "the block size is 0"},
                                      {0x180, little_endian(0xffffffff, 4), "reaches into the blocks"},
                                      {0x184, little_endian(3, 4), "more blocks are allocated"},
                                      {0x1a8, "x", "with a parent image"},
                                      {0x1b8, "x", "with a parent image"},
                                  });
}

// With the CRC-32C at 4 of the structure made right again.
std::string with_crc(std::string image, std::size_t at, std::size_t size) {
  image.replace(at + 4, 4, 4, '\0');
  const std::string_view part = std::string_view(image).substr(at, size);
  const std::uint32_t crc = crc32c(std::as_bytes(std::span(part.data(), part.size())));
  return patched(std::move(image), at + 4, little_endian(crc, 4));
}

TEST_CASE("a VHDX header that is dangerous or wrong is refused") {
  const std::string image = made_by_qemu("vhdx");
  const auto in_both_headers = [&](std::size_t offset, const std::string& bytes) {
    std::string changed = image;
    for (const std::size_t at : {65'536UL, 131'072UL}) {
      changed = with_crc(patched(std::move(changed), at + offset, bytes), at, 4096);
    }
    return outcome(changed);
  };
  const auto in_regions = [&](std::size_t offset, const std::string& bytes) {
    return outcome(with_crc(patched(image, 196'608 + offset, bytes), 196'608, 65'536));
  };
  CHECK(in_both_headers(48, "x").find("its VHDX log has to be replayed") != std::string::npos);
  CHECK(in_both_headers(66, little_endian(2, 2)).find("its version is 2") != std::string::npos);
  CHECK(in_both_headers(0, "XXXX").find("neither of its two headers") != std::string::npos);
  CHECK(in_regions(8, little_endian(2048, 4)).find("has 2048 entries") != std::string::npos);
  CHECK(in_regions(8, little_endian(1, 4)).find("a region is missing") != std::string::npos);
  CHECK(
      in_regions(16, std::string(16, 'x') + little_endian(2 << 20, 8) + little_endian(1 << 20, 4) + little_endian(1, 4))
          .find("an unknown required VHDX region") != std::string::npos);
  CHECK(in_regions(16 + 16, little_endian(512, 8)).find("overlaps the header") != std::string::npos);
  CHECK(in_regions(48 + 16, little_endian(1ULL << 50, 8)).find("it is truncated: the metadata") != std::string::npos);
  CHECK(in_regions(16 + 16, little_endian(1ULL << 50, 8)).find("it is truncated: the block table") !=
        std::string::npos);
  check_rows(image, {{196'608, "XXXX", "the region table isn't whole"}, {196'608 + 9, "\1", "isn't whole"}});
}

TEST_CASE("VHDX metadata that is dangerous or wrong is refused") {
  constexpr std::size_t kMetadata = 3 << 20;
  constexpr std::size_t kItems = kMetadata + 65'536;
  const std::string parent_locator = "\x2d\x5f\xd3\xa8\x0b\xb3\x4d\x45\xab\xf7\xd3\xd8\x48\x34\xab\x0c";
  const std::string image = made_by_qemu("vhdx");
  check_rows(image,
             {
                 {kMetadata, "XXXX", "the metadata region has no table"},
                 {kMetadata + 10, little_endian(2048, 2), "the metadata table has 2048"},
                 {kMetadata + 32, parent_locator, "a differencing VHDX"},
                 {kMetadata + 32, "unknown", "unknown required VHDX metadata"},
                 {kMetadata + 32 + 16, little_endian(0xffffffff, 4), "it is truncated: the VHDX metadata region"},
                 {kMetadata + 32, image.substr(kMetadata + 64, 16), "a metadata item is there twice"},
                 {kItems, little_endian(3 << 20, 4), "the block size is"},
                 {kItems + 4, little_endian(2, 4), "a differencing VHDX"},
                 {kItems + 8, little_endian(0, 8), "its disk has no bytes"},
                 {kItems + 8, little_endian(513, 8), "the virtual size is 513"},
                 {kItems + 8, little_endian(1ULL << 60, 8), "larger than its block table"},
                 {kItems + 32, little_endian(1000, 4), "the sector size is 1000"},
             });
}

}  // namespace
}  // namespace basecache::inspect::test
