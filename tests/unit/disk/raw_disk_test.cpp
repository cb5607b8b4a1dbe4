#include "backends/disk/raw_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "backends/qcow2/header.hpp"
#include "tests/unit/disk/fixture.hpp"

using namespace basecache;
using namespace basecache::test;
using disk::Preallocation;
using disk::RawDisk;

namespace {

mode_t mode_of(const Path& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

std::uint64_t ext_blocks(const Path& disk) {
  return std::stoull(run_tool({"sh", "-c", "dumpe2fs -h " + disk.native() + " | sed -n 's/^Block count: *//p'"}));
}

// As QEMU keeps other writers out (block/file-posix.c): byte 200 + the number of BLK_PERM_WRITE.
UniqueFd open_as_guest(const Path& disk) {
  UniqueFd guest = open_file(disk, O_RDWR);
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = 201;
  lock.l_len = 1;
  REQUIRE(::fcntl(guest.get(), F_OFD_SETLK, &lock) == 0);
  return guest;
}

}  // namespace

TEST_CASE("a raw disk is a writable sparse copy of its base, grown to its size") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  const auto made =
      RawDisk(bench.qemu_img, Preallocation::none, 2).create_disk(bench.place, gibibytes(1), base, bench.op);
  CHECK(made.format == model::DiskFormat::raw);
  CHECK(made.size == gibibytes(1));
  CHECK(made.io == provision::DiskIo::automatic);
  CHECK(sizes_of(bench.place.staged).apparent == gibibytes(1));
  CHECK(sizes_of(bench.place.staged).allocated < mebibytes(1));
  CHECK((mode_of(bench.place.staged) & 0600) == 0600);
  run_tool({"qemu-img", "compare", "-f", "raw", "-F", "raw", base.path().native(), bench.place.staged.native()});
  CHECK_FALSE(boost::filesystem::exists(bench.place.path));
}

TEST_CASE("a raw disk without a size is as large as its base") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  CHECK(RawDisk(bench.qemu_img, Preallocation::none, 2).create_disk(bench.place, std::nullopt, base, bench.op).size ==
        mebibytes(64));
  run_tool({"cmp", base.path().native(), bench.place.staged.native()});
}

TEST_CASE("a copy says how far it is, under the disk's name") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  RawDisk(bench.qemu_img, Preallocation::none, 2).create_disk(bench.place, std::nullopt, base, bench.op);
  REQUIRE_FALSE(bench.seen.empty());
  CHECK(bench.seen.back().step == "copy");
  CHECK(bench.seen.back().subject == "disk");
  CHECK(bench.seen.back().done == mebibytes(64).count);
  CHECK(bench.seen.back().total == mebibytes(64).count);
}

TEST_CASE("a bare ext4 grows with its raw disk") {
  DiskBench bench;
  write_file(bench.path(), "");
  boost::filesystem::resize_file(bench.path(), mebibytes(64).count);
  run_tool({"mkfs.ext4", "-q", "-F", "-b", "4096", bench.path().native()});
  const auto base = bench.raw_base();
  RawDisk raw(bench.qemu_img, Preallocation::none, 2);
  raw.create_disk(bench.place, mebibytes(256), base, bench.op);
  CHECK(ext_blocks(bench.place.staged) == mebibytes(256).count / 4096);
  raw.grow_disk(at(bench.place.staged), mebibytes(512), bench.op);
  CHECK(ext_blocks(bench.place.staged) == mebibytes(512).count / 4096);
  run_tool({"e2fsck", "-fn", bench.place.staged.native()});
  CHECK(ext_blocks(base.path()) == mebibytes(64).count / 4096);
}

TEST_CASE("a raw disk smaller than its base is refused before anything is written") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  const Error error = error_of(
      [&] { RawDisk(bench.qemu_img, Preallocation::none, 2).create_disk(bench.place, mebibytes(63), base, bench.op); });
  CHECK(error.code() == ErrorCode::disk_too_small);
  CHECK_FALSE(boost::filesystem::exists(bench.place.staged));
}

TEST_CASE("a base that is neither raw nor qcow2 becomes a raw disk by conversion") {
  DiskBench bench;
  write_file(bench.dir / "source", std::string(1 << 20, 'x'));
  run_tool({"qemu-img", "convert", "-f", "raw", "-O", "vdi", (bench.dir / "source").native(), bench.path().native()});
  const auto base = bench.base(model::DiskFormat::vdi, mebibytes(1));
  const auto made =
      RawDisk(bench.qemu_img, Preallocation::none, 2).create_disk(bench.place, mebibytes(2), base, bench.op);
  CHECK(made.format == model::DiskFormat::raw);
  CHECK(made.size == mebibytes(2));
  CHECK(read_file(bench.place.staged) == std::string(1 << 20, 'x') + std::string(1 << 20, '\0'));
}

TEST_CASE("a qcow2 base is copied as qcow2 and grown as such, and its copy has no backing file") {
  DiskBench bench;
  write_file(bench.dir / "source", std::string(1 << 20, 'x'));
  run_tool({"qemu-img", "convert", "-f", "raw", "-O", "qcow2", (bench.dir / "source").native(), bench.path().native()});
  const auto base = bench.base(model::DiskFormat::qcow2, mebibytes(1));
  const auto made =
      RawDisk(bench.qemu_img, Preallocation::space, 2).create_disk(bench.place, mebibytes(2), base, bench.op);
  CHECK(made.format == model::DiskFormat::qcow2);
  CHECK(made.size == mebibytes(2));
  const auto header = qcow2::Header::read(bench.place.staged);
  CHECK(header.virtual_size == mebibytes(2));
  CHECK_FALSE(header.backing_file.has_value());
  CHECK(sizes_of(bench.place.staged).allocated >= mebibytes(2));
  run_tool({"qemu-img", "check", "-q", "-f", "qcow2", bench.place.staged.native()});
  run_tool({"qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", base.path().native(), bench.place.staged.native()});
}

TEST_CASE("a qcow2 base without a size to grow to is copied byte by byte") {
  DiskBench bench;
  run_tool({"qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", bench.path().native(), "64M"});
  const auto base = bench.base(model::DiskFormat::qcow2, mebibytes(64));
  CHECK(RawDisk(bench.qemu_img, Preallocation::none, 2).create_disk(bench.place, std::nullopt, base, bench.op).size ==
        mebibytes(64));
  run_tool({"cmp", base.path().native(), bench.place.staged.native()});
}

TEST_CASE("a raw disk is preallocated when that is configured") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(4));
  RawDisk raw(bench.qemu_img, Preallocation::space, 2);
  CHECK(raw.create_disk(bench.place, mebibytes(16), base, bench.op).io == provision::DiskIo::native);
  CHECK(sizes_of(bench.place.staged).allocated >= mebibytes(16));
  CHECK(raw.grow_disk(at(bench.place.staged), mebibytes(32), bench.op).io == provision::DiskIo::native);
  CHECK(sizes_of(bench.place.staged).allocated >= mebibytes(32));
  CHECK(sizes_of(bench.place.staged).apparent == mebibytes(32));
}

TEST_CASE("a raw disk that is cancelled leaves nothing but what is staged") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  bench.stop.request_stop();
  CHECK_THROWS_AS(
      RawDisk(bench.qemu_img, Preallocation::none, 2).create_disk(bench.place, std::nullopt, base, bench.op),
      Cancelled);
  CHECK_FALSE(boost::filesystem::exists(bench.place.path));
}

TEST_CASE("an existing raw disk is grown, never shrunk, and keeps what the guest wrote") {
  DiskBench bench;
  write_file(bench.dir / "disk", std::string(1 << 20, 'g'));
  RawDisk raw(bench.qemu_img, Preallocation::none, 2);
  CHECK(raw.grow_disk(at(bench.dir / "disk"), std::nullopt, bench.op).size == mebibytes(1));
  CHECK(raw.grow_disk(at(bench.dir / "disk"), mebibytes(1), bench.op).size == mebibytes(1));
  CHECK(raw.grow_disk(at(bench.dir / "disk"), mebibytes(2), bench.op).size == mebibytes(2));
  CHECK(read_file(bench.dir / "disk") == std::string(1 << 20, 'g') + std::string(1 << 20, '\0'));
  const Error error = error_of([&] { raw.grow_disk(at(bench.dir / "disk"), mebibytes(1), bench.op); });
  CHECK(error.code() == ErrorCode::disk_too_small);
  CHECK(error.message().find("1048576") != std::string::npos);
  CHECK(error.message().find("2097152") != std::string::npos);
}

TEST_CASE("growth that was cut short between disk and file system is ended by the next call") {
  DiskBench bench;
  const Path disk = bench.dir / "disk";
  run_tool({"mkfs.ext4", "-q", disk.native(), "8M"});
  boost::filesystem::resize_file(disk, mebibytes(32).count);
  write_file(bench.dir / ".disk.growing", "");
  RawDisk raw(bench.qemu_img, Preallocation::none, 2);
  raw.grow_disk(at(disk), std::nullopt, bench.op);  // somebody only looks
  CHECK(ext_blocks(disk) == 8192);
  raw.grow_disk(at(disk), mebibytes(32), bench.op);
  CHECK(ext_blocks(disk) == 32768);
  CHECK_FALSE(boost::filesystem::exists(bench.dir / ".disk.growing"));
}

TEST_CASE("growth that was cut short doesn't disturb a guest that runs on the disk by now") {
  DiskBench bench;
  write_file(bench.dir / "disk", std::string(1 << 20, 'g'));
  write_file(bench.dir / ".disk.growing", "");
  const UniqueFd guest = open_as_guest(bench.dir / "disk");
  CHECK(
      RawDisk(bench.qemu_img, Preallocation::none, 2).grow_disk(at(bench.dir / "disk"), mebibytes(1), bench.op).size ==
      mebibytes(1));
}

TEST_CASE("a disk that a guest has open isn't grown") {
  DiskBench bench;
  write_file(bench.dir / "disk", std::string(1 << 20, 'g'));
  const UniqueFd guest = open_as_guest(bench.dir / "disk");
  const Error error = error_of([&] {
    RawDisk(bench.qemu_img, Preallocation::none, 2).grow_disk(at(bench.dir / "disk"), mebibytes(2), bench.op);
  });
  CHECK(error.code() == ErrorCode::in_use);
  CHECK(sizes_of(bench.dir / "disk").apparent == mebibytes(1));
  CHECK_FALSE(boost::filesystem::exists(bench.dir / ".disk.growing"));
}
