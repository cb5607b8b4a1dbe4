#include "backends/qemu/disk_chain.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

void make_overlay(const Path& disk, const std::string& backing) {
  run_tool({"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", "raw", disk.native(), "1M"});
}

std::optional<std::string> backing_of(const Path& disk, const std::string& format) {
  const auto backing = qemu::DiskChain().backing_file(disk, format);
  return backing ? std::optional(backing->name) : std::nullopt;
}

}  // namespace

TEST_CASE("the backing file of a qcow2 disk is read, recorded or not") {
  ScratchDir dir;
  make_overlay(dir / "disk", "/n/_base/0123");
  CHECK(backing_of(dir / "disk", "qcow2") == "/n/_base/0123");
  CHECK(backing_of(dir / "disk", "") == "/n/_base/0123");
}

TEST_CASE("what the header says of its backing file's format is read too") {
  ScratchDir dir;
  make_overlay(dir / "disk", "/n/_base/0123");
  CHECK(qemu::DiskChain().backing_file(dir / "disk", "qcow2")->format == "raw");
  // Version 2, length of the header 72, no extensions, the name "base" behind it.
  std::string header(76, '\0');
  header.replace(0, 4, "QFI\xfb").replace(7, 1, "\2").replace(15, 1, "\x48").replace(19, 1, "\4");
  header.replace(23, 1, "\x10").replace(72, 4, "base");
  write_file(dir / "older", header);
  const auto backing = qemu::DiskChain().backing_file(dir / "older", "qcow2");
  REQUIRE(backing);
  CHECK(backing->name == "base");
  CHECK(backing->format.empty());
}

TEST_CASE("a disk recorded as raw is never looked into, whatever the guest wrote there") {
  ScratchDir dir;
  make_overlay(dir / "disk", "/n/_base/0123");
  CHECK(backing_of(dir / "disk", "raw") == std::nullopt);
  CHECK(backing_of(dir / "absent", "raw") == std::nullopt);
}

TEST_CASE("a file of no known magic has no backing file") {
  ScratchDir dir;
  for (const char* content : {"", "Q", "{\"disk.info\": 1}", "console output"}) {
    write_file(dir / "file", content);
    CHECK(backing_of(dir / "file", "") == std::nullopt);
  }
}

TEST_CASE("formats whose backing files we can't read make usage unknown") {
  ScratchDir dir;
  for (const std::string& content : {std::string("QED\0....", 8), std::string("KDMV...."),
                                     std::string("# Disk DescriptorFile\nparentFileNameHint=\"x\"\n")}) {
    write_file(dir / "disk", content);
    CHECK_THROWS_AS(backing_of(dir / "disk", ""), Error);
  }
  CHECK_THROWS_AS(backing_of(dir / "disk", "vmdk"), Error);
  CHECK_THROWS_AS(backing_of(dir / "disk", "a word nobody knows"), Error);
  CHECK(backing_of(dir / "disk", "vpc") == std::nullopt);
}

TEST_CASE("a sparse VMDK without a parent has no backing file, and with one makes usage unknown") {
  ScratchDir dir;
  for (const std::string subformat : {"monolithicSparse", "streamOptimized"}) {
    const Path disk = dir / subformat;
    run_tool({"qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=" + subformat, disk.native(), "1M"});
    CHECK(backing_of(disk, "vmdk") == std::nullopt);
    CHECK(backing_of(disk, "") == std::nullopt);
  }
  const std::string base = (dir / "monolithicSparse").native();
  run_tool({"qemu-img", "create", "-q", "-f", "vmdk", "-b", base, "-F", "vmdk", (dir / "overlay").native()});
  CHECK_THROWS_AS(backing_of(dir / "overlay", "vmdk"), Error);
}

TEST_CASE("a qcow2 disk that can't be read makes usage unknown") {
  ScratchDir dir;
  write_file(dir / "disk", "QFI\xfb");
  CHECK_THROWS_AS(backing_of(dir / "disk", "qcow2"), Error);
  CHECK_THROWS_AS(backing_of(dir / "disk", ""), Error);
  CHECK_THROWS_AS(backing_of(dir / "absent", "qcow2"), Error);
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(backing_of(dir / "pipe", ""), Error);
}

TEST_CASE("a backing name with a protocol is a path or unknown") {
  ScratchDir dir;
  make_overlay(dir / "disk", "file:/n/_base/0123");
  CHECK(backing_of(dir / "disk", "qcow2") == "/n/_base/0123");
  make_overlay(dir / "disk", "./odd:name");
  CHECK(backing_of(dir / "disk", "qcow2") == "./odd:name");
  for (const char* name : {"nbd://127.0.0.1:1/x", "json:{\"driver\":\"file\"}"}) {
    make_overlay(dir / "disk", name);
    CHECK_THROWS_AS(backing_of(dir / "disk", "qcow2"), Error);
  }
}
