#include "backends/disk/disk_size.hpp"

#include "tests/unit/disk/fixture.hpp"

using namespace basecache;
using namespace basecache::test;

TEST_CASE("a disk is as large as asked for, or as what it must hold") {
  CHECK(disk::size_at_least(gibibytes(1), gibibytes(4), "it") == gibibytes(4));
  CHECK(disk::size_at_least(gibibytes(1), gibibytes(1), "it") == gibibytes(1));
  CHECK(disk::size_at_least(gibibytes(1), std::nullopt, "it") == gibibytes(1));
}

TEST_CASE("a disk that would be too small is refused with both sizes") {
  const Error error = error_of([] { disk::size_at_least(gibibytes(2), gibibytes(1), "base file 01ab"); });
  CHECK(error.code() == ErrorCode::disk_too_small);
  CHECK(error.message() ==
        "a disk of 1 GiB (1073741824 bytes) was asked for, but base file 01ab is 2 GiB (2147483648 bytes)");
}
