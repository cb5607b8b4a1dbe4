#include "agent/base/file_extent.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <span>
#include <string>

#include "agent/base/posix_file.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

constexpr std::uint64_t kPart = std::uint64_t{1} << 20;

// A hole, data, a hole.
struct Holey {
  Holey() : fd(open_file(path, O_RDWR | O_CREAT, 0600)) {
    boost::filesystem::resize_file(path, 3 * kPart);
    const std::string data(kPart, 'd');
    write_all_at(fd.get(), std::as_bytes(std::span(data)), kPart, path);
  }
  std::optional<FileExtent> next(std::uint64_t from, std::uint64_t size) const {
    return next_extent(fd.get(), from, {size}, path);
  }

  test::ScratchDir dir;
  Path path = dir / "file";
  UniqueFd fd;
};

}  // namespace

TEST_CASE("the next data is found behind a hole, and from within itself") {
  const Holey file;
  CHECK(file.next(0, 3 * kPart) == FileExtent{kPart, 2 * kPart});
  CHECK(file.next(kPart + 4096, 3 * kPart) == FileExtent{kPart + 4096, 2 * kPart});
  CHECK_FALSE(file.next(2 * kPart, 3 * kPart));
}

TEST_CASE("what is behind the size that is asked about doesn't count") {
  const Holey file;
  CHECK(file.next(0, kPart + 100) == FileExtent{kPart, kPart + 100});
  CHECK_FALSE(file.next(0, kPart));
  CHECK_FALSE(file.next(kPart, kPart));
  CHECK_FALSE(file.next(4 * kPart, 5 * kPart));
}

TEST_CASE("what has no data to look for is an error that names it") {
  const test::ScratchDir dir;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  CHECK(
      test::says(test::error_of([&] { next_extent(reader.get(), 0, {1}, "/a/pipe"); }), "find the data in '/a/pipe'"));
}

}  // namespace basecache
