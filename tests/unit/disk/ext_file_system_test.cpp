#include "backends/disk/ext_file_system.hpp"

#include "tests/support/loop_device.hpp"
#include "tests/unit/disk/fixture.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

// A raw disk of 32 MiB that holds nothing yet.
struct Disk {
  Disk() {
    write_file(path, "");
    boost::filesystem::resize_file(path, mebibytes(32).count);
  }
  std::uint64_t blocks() const {
    const std::string told =
        run_tool({"sh", "-c", "dumpe2fs -h " + path.native() + " | sed -n 's/^Block count: *//p'"});
    return std::stoull(told);
  }
  void put(std::size_t at, std::string_view bytes) {
    std::string content = read_file(path);
    content.replace(at, bytes.size(), bytes);
    write_file(path, content);
  }
  ScratchDir dir;
  Path path = dir / "disk";
  sandbox::Sandbox sandbox;
  OpContext op = test_operation();
};

}  // namespace

TEST_CASE("a disk that is one ext2, ext3 or ext4 as a whole is recognised") {
  for (const std::string name : {"ext2", "ext3", "ext4"}) {
    Disk disk;
    run_tool({"mkfs." + name, "-q", "-F", disk.path.native()});
    CHECK(disk::is_bare_ext(disk.path));
  }
}

TEST_CASE("other content is not taken for a file system") {
  Disk disk;
  CHECK_FALSE(disk::is_bare_ext(disk.path));
  run_tool({"mkfs.vfat", disk.path.native()});
  CHECK_FALSE(disk::is_bare_ext(disk.path));
  write_file(disk.path, "short");
  CHECK_FALSE(disk::is_bare_ext(disk.path));
}

TEST_CASE("the remains of a file system on a partitioned disk are left alone") {
  Disk disk;
  run_tool({"mkfs.ext4", "-q", "-F", disk.path.native()});
  disk.put(510, "\x55\xaa");
  CHECK_FALSE(disk::is_bare_ext(disk.path));
  disk.put(510, std::string(2, '\0'));
  REQUIRE(disk::is_bare_ext(disk.path));
  disk.put(512, "EFI PART");
  CHECK_FALSE(disk::is_bare_ext(disk.path));
}

TEST_CASE("a file system grows to the size of its disk and stays sound and sparse") {
  for (const std::string name : {"ext2", "ext3", "ext4"}) {
    CAPTURE(name);
    Disk disk;
    run_tool({"mkfs." + name, "-q", "-F", "-b", "4096", disk.path.native()});
    boost::filesystem::resize_file(disk.path, mebibytes(256).count);
    CHECK(disk::grow_ext(disk.sandbox, disk.path, disk.op));
    CHECK(disk.blocks() == mebibytes(256).count / 4096);
    run_tool({"e2fsck", "-fn", disk.path.native()});
    CHECK(sizes_of(disk.path).allocated < mebibytes(32));
  }
}

TEST_CASE("a file system on a block device grows to the size of the device" *
          doctest::skip(!LoopDevice::can_be_made())) {
  Disk disk;
  run_tool({"mkfs.ext4", "-q", "-F", "-b", "4096", disk.path.native()});
  boost::filesystem::resize_file(disk.path, mebibytes(64).count);
  const LoopDevice device(disk.path);
  CHECK(disk::is_bare_ext(device.path()));
  CHECK(disk::grow_ext(disk.sandbox, device.path(), disk.op));
  CHECK(disk.blocks() == mebibytes(64).count / 4096);
  run_tool({"e2fsck", "-fn", device.path().native()});
}

TEST_CASE("a damaged file system is left as it is") {
  Disk disk;
  run_tool({"mkfs.ext4", "-q", "-F", "-b", "4096", disk.path.native()});
  disk.put(4096, std::string(4096, '\x5a'));       // group descriptors
  disk.put(5 * 4096, std::string(40960, '\x5a'));  // whatever follows
  boost::filesystem::resize_file(disk.path, mebibytes(64).count);
  CHECK_FALSE(disk::grow_ext(disk.sandbox, disk.path, disk.op));
}
