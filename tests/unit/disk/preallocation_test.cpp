#include "backends/disk/preallocation.hpp"

#include "tests/unit/disk/fixture.hpp"

using namespace basecache;
using namespace basecache::test;
using disk::Preallocation;

TEST_CASE("reserved space changes neither the length nor the content of a file") {
  ScratchDir dir;
  write_file(dir / "disk", "content");
  disk::preallocate(Preallocation::space, dir / "disk", mebibytes(8));
  CHECK(sizes_of(dir / "disk").allocated >= mebibytes(8));
  CHECK(read_file(dir / "disk") == "content");
}

TEST_CASE("nothing is reserved unless it is configured") {
  ScratchDir dir;
  write_file(dir / "disk", "content");
  disk::preallocate(Preallocation::none, dir / "disk", mebibytes(8));
  CHECK(sizes_of(dir / "disk").allocated < mebibytes(1));
}

TEST_CASE("more than the file system has is an error, not a half reserved disk") {
  ScratchDir dir;
  write_file(dir / "disk", "content");
  // 8 EiB minus a page: beyond the free space of any file system, and on some beyond the largest file.
  CHECK_THROWS_AS(disk::preallocate(Preallocation::space, dir / "disk", Bytes{0x7ffffffffffff000}), Error);
  CHECK(read_file(dir / "disk") == "content");
}
