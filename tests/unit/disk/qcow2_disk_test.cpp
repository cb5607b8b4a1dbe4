#include "backends/disk/qcow2_disk.hpp"

#include "backends/qcow2/header.hpp"
#include "tests/unit/disk/fixture.hpp"

using namespace basecache;
using namespace basecache::test;
using disk::Preallocation;
using disk::Qcow2Disk;

TEST_CASE("a qcow2 disk is an overlay that names its base and the base's format") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  const auto made =
      Qcow2Disk(bench.qemu_img, Preallocation::none).create_disk(bench.place, gibibytes(4), base, bench.op);
  CHECK(made.format == model::DiskFormat::qcow2);
  CHECK(made.size == gibibytes(4));
  CHECK(made.io == provision::DiskIo::automatic);
  const auto header = qcow2::Header::read(bench.place.staged);
  CHECK(header.virtual_size == gibibytes(4));
  CHECK(header.backing_file == base.path().native());
  CHECK(header.backing_format == "raw");
  run_tool({"qemu-img", "check", "-q", "-f", "qcow2", bench.place.staged.native()});
  run_tool({"qemu-img", "compare", "-f", "raw", "-F", "qcow2", base.path().native(), bench.place.staged.native()});
  CHECK_FALSE(boost::filesystem::exists(bench.place.path));
}

TEST_CASE("a qcow2 disk without a size is as large as its base, in whole sectors") {
  DiskBench bench;
  auto base = bench.sparse_base(mebibytes(64));
  CHECK(Qcow2Disk(bench.qemu_img, Preallocation::none).create_disk(bench.place, std::nullopt, base, bench.op).size ==
        mebibytes(64));
  boost::filesystem::permissions(bench.path(), static_cast<boost::filesystem::perms>(0644));
  base = bench.sparse_base(Bytes{1000});
  boost::filesystem::remove(bench.place.staged);
  CHECK(Qcow2Disk(bench.qemu_img, Preallocation::none).create_disk(bench.place, std::nullopt, base, bench.op).size ==
        Bytes{1024});
}

TEST_CASE("a qcow2 base is named as qcow2, and its disks have clusters of its size") {
  DiskBench bench;
  run_tool({"qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", bench.path().native(), "64M"});
  const auto base = bench.base(model::DiskFormat::qcow2, mebibytes(64));
  Qcow2Disk(bench.qemu_img, Preallocation::none).create_disk(bench.place, mebibytes(128), base, bench.op);
  CHECK(qcow2::Header::read(bench.place.staged).backing_format == "qcow2");
  CHECK(qcow2::Header::read(bench.place.staged).cluster_bits == 12);
}

TEST_CASE("a qcow2 disk smaller than its base is refused before anything is written") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  const Error error = error_of(
      [&] { Qcow2Disk(bench.qemu_img, Preallocation::none).create_disk(bench.place, mebibytes(63), base, bench.op); });
  CHECK(error.code() == ErrorCode::disk_too_small);
  CHECK_FALSE(boost::filesystem::exists(bench.place.staged));
}

TEST_CASE("a qcow2 disk is preallocated when that is configured, and stays sound") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(4));
  const auto made =
      Qcow2Disk(bench.qemu_img, Preallocation::space).create_disk(bench.place, mebibytes(16), base, bench.op);
  CHECK(made.io == provision::DiskIo::native);
  CHECK(sizes_of(bench.place.staged).allocated >= mebibytes(16));
  run_tool({"qemu-img", "check", "-q", "-f", "qcow2", bench.place.staged.native()});
}

TEST_CASE("an existing qcow2 disk is grown, never shrunk, and keeps what the guest wrote") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  Qcow2Disk qcow2(bench.qemu_img, Preallocation::none);
  qcow2.create_disk(bench.place, mebibytes(64), base, bench.op);
  const Path& disk = bench.place.staged;
  run_tool({"qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 1M 64k", disk.native()});
  CHECK(qcow2.grow_disk(at(disk), std::nullopt, bench.op).size == mebibytes(64));
  CHECK(qcow2.grow_disk(at(disk), mebibytes(64), bench.op).size == mebibytes(64));
  CHECK(qcow2.grow_disk(at(disk), mebibytes(128), bench.op).size == mebibytes(128));
  CHECK(qcow2::Header::read(disk).virtual_size == mebibytes(128));
  run_tool({"qemu-io", "-f", "qcow2", "-c", "read -P 0x5a 1M 64k", disk.native()});
  const Error error = error_of([&] { qcow2.grow_disk(at(disk), mebibytes(64), bench.op); });
  CHECK(error.code() == ErrorCode::disk_too_small);
  CHECK(qcow2::Header::read(disk).virtual_size == mebibytes(128));
}

TEST_CASE("an existing disk that isn't qcow2 is not touched") {
  DiskBench bench;
  write_file(bench.dir / "disk", "raw bytes");
  CHECK_THROWS_AS(
      Qcow2Disk(bench.qemu_img, Preallocation::none).grow_disk(at(bench.dir / "disk"), gibibytes(1), bench.op), Error);
  CHECK(read_file(bench.dir / "disk") == "raw bytes");
}

TEST_CASE("a qcow2 disk that is cancelled is not made") {
  DiskBench bench;
  const auto base = bench.sparse_base(mebibytes(64));
  bench.stop.request_stop();
  CHECK_THROWS_AS(Qcow2Disk(bench.qemu_img, Preallocation::none).create_disk(bench.place, std::nullopt, base, bench.op),
                  Cancelled);
  CHECK_FALSE(boost::filesystem::exists(bench.place.staged));
}
