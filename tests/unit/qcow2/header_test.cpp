#include "backends/qcow2/header.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::qcow2;

namespace {

Header parse(std::string_view bytes) { return Header::parse(std::as_bytes(std::span(bytes)), "/the/file"); }

// A qcow2 file over /some/base, by qemu-img; without opening its base (-u).
std::string overlay_bytes() {
  ScratchDir dir;
  run_tool({"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", "/some/base", "-F", "raw", (dir / "disk").native(),
            "1M"});
  return read_file(dir / "disk");
}

std::string with_u32(std::string bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<char>(value >> (24 - 8 * i));
  return bytes;
}

}  // namespace

TEST_CASE("sizes, backing file and its format are read from what qemu-img wrote") {
  ScratchDir dir;
  for (const std::string compat : {"0.10", "1.1"}) {
    for (const std::string cluster_size : {"512", "65536", "2097152"}) {
      CAPTURE(compat);
      CAPTURE(cluster_size);
      const Path disk = dir / (compat + "-" + cluster_size);
      run_tool({"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-o",
                "compat=" + compat + ",cluster_size=" + cluster_size, "-b", "../_base/0123", "-F", "raw", disk.native(),
                "5M"});
      const Header header = Header::read(disk);
      CHECK(header.virtual_size == mebibytes(5));
      CHECK((1UL << header.cluster_bits) == std::stoul(cluster_size));
      CHECK(header.backing_file == "../_base/0123");
      CHECK(header.backing_format == "raw");
    }
  }
}

TEST_CASE("a backing file's name may stand anywhere in the first cluster") {
  ScratchDir dir;
  std::string bytes = overlay_bytes();
  const std::string name = "/some/base";
  for (const std::size_t at : {std::size_t{4090}, std::size_t{4096}, std::size_t{65536} - name.size()}) {
    CAPTURE(at);
    write_file(dir / "disk", with_u32(bytes, 12, static_cast<std::uint32_t>(at)).replace(at, name.size(), name));
    CHECK(Header::read(dir / "disk").backing_file == name);
  }
  write_file(dir / "disk", with_u32(bytes, 12, 65536 - 1));
  CHECK_THROWS_AS(Header::read(dir / "disk"), Error);
}

TEST_CASE("a disk without a backing file has none") {
  ScratchDir dir;
  run_tool({"qemu-img", "create", "-q", "-f", "qcow2", (dir / "disk").native(), "1G"});
  const Header header = Header::read(dir / "disk");
  CHECK(header.virtual_size == gibibytes(1));
  CHECK_FALSE(header.backing_file);
  CHECK_FALSE(header.backing_format);
}

TEST_CASE("what isn't qcow2 is refused") {
  ScratchDir dir;
  write_file(dir / "disk", "not at all");
  CHECK_THROWS_AS(Header::read(dir / "disk"), Error);
  write_file(dir / "disk", "");
  CHECK_THROWS_AS(Header::read(dir / "disk"), Error);
  CHECK_THROWS_AS(Header::read(dir / "absent"), Error);
}

TEST_CASE("a header may end anywhere without being read past its end") {
  const std::string bytes = overlay_bytes();
  const std::size_t name_end = bytes.find("/some/base") + std::string("/some/base").size();
  for (std::size_t length = 0; length < name_end; ++length) {
    CAPTURE(length);
    // A copy of its own size, so that a sanitizer sees each byte too many.
    const std::string cut(bytes, 0, length);
    CHECK_THROWS_AS(parse(cut), Error);
  }
  CHECK(parse(bytes.substr(0, name_end)).backing_file == "/some/base");
}

TEST_CASE("offsets and lengths that lead out of the header are refused") {
  const std::string bytes = overlay_bytes();
  CHECK_THROWS_AS(parse(with_u32(bytes, 8, 0xffffffff)), Error);    // offset of the name
  CHECK_THROWS_AS(parse(with_u32(bytes, 16, 1024)), Error);         // its length
  CHECK_THROWS_AS(parse(with_u32(bytes, 100, 0xffffffff)), Error);  // length of the header
  CHECK_THROWS_AS(parse(with_u32(bytes, 100, 72)), Error);
  CHECK_THROWS_AS(parse(with_u32(bytes, 116, 0xffffffff)), Error);  // length of the first extension
  CHECK_THROWS_AS(parse(with_u32(bytes, 4, 1)), Error);             // version
  CHECK_THROWS_AS(parse(with_u32(bytes, 4, 4)), Error);
}

TEST_CASE("a cluster size out of range is refused before anything of that size is read") {
  ScratchDir dir;
  for (const std::uint32_t bits : {0U, 8U, 22U, 64U, 0xffffffffU}) {
    CAPTURE(bits);
    write_file(dir / "disk", with_u32(overlay_bytes(), 20, bits));
    CHECK_THROWS_AS(Header::read(dir / "disk"), Error);
  }
}
