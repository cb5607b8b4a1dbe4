#include "backends/disk/sparse_copy.hpp"

#include "tests/unit/disk/fixture.hpp"

using namespace basecache;
using namespace basecache::test;
using disk::CopyMethod;

TEST_CASE("a copy has the same bytes and the same holes, by every method") {
  DiskBench bench;
  bench.sparse_base(mebibytes(64));
  for (const CopyMethod method : {CopyMethod::clone, CopyMethod::copy_range, CopyMethod::read_write}) {
    CAPTURE(static_cast<int>(method));
    remove_file(bench.place.staged);
    std::vector<Bytes> reached;
    disk::copy_sparse(
        bench.path(), bench.place.staged, [&](Bytes at) { reached.push_back(at); }, bench.op, method);
    CHECK(sizes_of(bench.place.staged).apparent == mebibytes(64));
    CHECK(sizes_of(bench.place.staged).allocated < mebibytes(1));
    tool({"cmp", bench.path().native(), bench.place.staged.native()});
    REQUIRE_FALSE(reached.empty());
    CHECK(std::is_sorted(reached.begin(), reached.end()));
    CHECK(reached.back() == mebibytes(64));
  }
}

TEST_CASE("files without data and files without holes are copied too") {
  DiskBench bench;
  for (const std::string& content : {std::string(), std::string(3'000'001, 'x')}) {
    write_file(bench.path(), content);
    for (const CopyMethod method : {CopyMethod::copy_range, CopyMethod::read_write}) {
      remove_file(bench.place.staged);
      disk::copy_sparse(
          bench.path(), bench.place.staged, [](Bytes) {}, bench.op, method);
      CHECK(read_file(bench.place.staged) == content);
    }
  }
  boost::filesystem::resize_file(bench.path(), 0);
  boost::filesystem::resize_file(bench.path(), 1 << 20);
  remove_file(bench.place.staged);
  disk::copy_sparse(
      bench.path(), bench.place.staged, [](Bytes) {}, bench.op, CopyMethod::read_write);
  CHECK(read_file(bench.place.staged) == std::string(1 << 20, '\0'));
}

TEST_CASE("a copy stops between two blocks when it is cancelled") {
  DiskBench bench;
  write_file(bench.path(), std::string(4 << 20, 'x'));
  int blocks = 0;
  const auto cancel = [&](Bytes) {
    ++blocks;
    bench.stop.request_stop();
  };
  CHECK_THROWS_AS(disk::copy_sparse(bench.path(), bench.place.staged, cancel, bench.op, CopyMethod::read_write),
                  Cancelled);
  CHECK(blocks == 1);
}

TEST_CASE("nothing that is there is written over, through a link neither") {
  DiskBench bench;
  write_file(bench.path(), "base");
  write_file(bench.place.staged, "somebody's");
  CHECK_THROWS_AS(disk::copy_sparse(
                      bench.path(), bench.place.staged, [](Bytes) {}, bench.op),
                  Error);
  CHECK(read_file(bench.place.staged) == "somebody's");
}
