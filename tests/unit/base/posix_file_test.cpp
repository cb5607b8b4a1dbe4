#include "agent/base/posix_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <functional>
#include <iterator>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

ErrorCode code_thrown_by(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("nothing was thrown");
  return ErrorCode::internal;
}

std::size_t entries_in(const Path& directory) {
  return static_cast<std::size_t>(
      std::distance(boost::filesystem::directory_iterator(directory), boost::filesystem::directory_iterator()));
}

mode_t mode_of(const Path& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

}  // namespace

TEST_CASE("a file that can't be opened is an error that names it") {
  CHECK_THROWS_WITH_AS(open_file("/nonexistent/x", O_RDONLY), "cannot open '/nonexistent/x': No such file or directory",
                       Error);
}

TEST_CASE("an opened file isn't inherited by children") {
  const test::ScratchDir scratch;
  const UniqueFd fd = open_file(scratch / "x", O_RDWR | O_CREAT, 0600);
  CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a small file is read whole, and an absent one is nothing") {
  const test::ScratchDir scratch;
  test::write_file(scratch / "x", std::string_view("a\0b\n", 4));
  CHECK(read_small_file(scratch / "x") == std::string("a\0b\n", 4));
  CHECK_FALSE(read_small_file(scratch / "y"));
  CHECK_FALSE(read_small_file(scratch / "x" / "y"));
}

TEST_CASE("a file above the limit isn't read") {
  const test::ScratchDir scratch;
  test::write_file(scratch / "x", "12345");
  CHECK(read_small_file(scratch / "x", {5}) == "12345");
  CHECK(code_thrown_by([&] { read_small_file(scratch / "x", {4}); }) == ErrorCode::storage_unusable);
}

TEST_CASE("what isn't a regular file isn't read, nor waited for") {
  const test::ScratchDir scratch;
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  CHECK(code_thrown_by([&] { read_small_file(scratch / "fifo"); }) == ErrorCode::storage_unusable);
  CHECK(code_thrown_by([&] { read_small_file(scratch.path()); }) == ErrorCode::storage_unusable);
}

TEST_CASE("a small file is replaced as a whole, with its mode, and nothing beside it stays") {
  const test::ScratchDir scratch;
  replace_small_file(scratch / "x", "old and longer");
  const UniqueFd reader = open_file(scratch / "x", O_RDONLY);
  replace_small_file(scratch / "x", "new", Durability::synced);
  CHECK(test::read_file(scratch / "x") == "new");
  CHECK(mode_of(scratch / "x") == 0644);
  CHECK(entries_in(scratch.path()) == 1);
  std::array<char, 3> seen{};
  CHECK(read_at(reader.get(), std::as_writable_bytes(std::span(seen)), 0, "x") == 3);
  CHECK(std::string_view(seen.data(), 3) == "old");
}

TEST_CASE("a replacement that fails leaves nothing beside the old file") {
  const test::ScratchDir scratch;
  make_directories(scratch / "x/child");
  CHECK_THROWS_AS(replace_small_file(scratch / "x", "new"), Error);
  CHECK(entries_in(scratch.path()) == 1);
}

TEST_CASE("a full device is no space") {
  const UniqueFd full = open_file("/dev/full", O_WRONLY);
  const std::string_view text = "x";
  CHECK(code_thrown_by([&] { write_all(full.get(), std::as_bytes(std::span(text)), "/dev/full"); }) ==
        ErrorCode::no_space);
}

TEST_CASE("reading stops at the end of the file") {
  const test::ScratchDir scratch;
  test::write_file(scratch / "x", "abcdef");
  const UniqueFd fd = open_file(scratch / "x", O_RDONLY);
  std::array<char, 8> out{};
  CHECK(read_at(fd.get(), std::as_writable_bytes(std::span(out)), 2, "x") == 4);
  CHECK(std::string_view(out.data(), 4) == "cdef");
  CHECK(read_at(fd.get(), std::as_writable_bytes(std::span(out)), 6, "x") == 0);
}

TEST_CASE("directories are made with their parents, and may be there already") {
  const test::ScratchDir scratch;
  make_directories(scratch / "a/b/c", 0700);
  CHECK(mode_of(scratch / "a/b") == 0700);
  CHECK_NOTHROW(make_directories(scratch / "a/b/c"));
  test::write_file(scratch / "a/file", "");
  CHECK_THROWS_AS(make_directories(scratch / "a/file"), Error);
  CHECK_THROWS_AS(make_directories(scratch / "a/file/d"), Error);
}

TEST_CASE("a rename without replace leaves both names alone when there is something") {
  const test::ScratchDir scratch;
  test::write_file(scratch / "from", "new");
  test::write_file(scratch / "to", "old");
  CHECK_FALSE(rename_no_replace(scratch / "from", scratch / "to"));
  CHECK(test::read_file(scratch / "from") == "new");
  CHECK(test::read_file(scratch / "to") == "old");
  remove_file(scratch / "to");
  CHECK(rename_no_replace(scratch / "from", scratch / "to"));
  CHECK(test::read_file(scratch / "to") == "new");
  CHECK_FALSE(read_small_file(scratch / "from"));
  CHECK_THROWS_AS(rename_no_replace(scratch / "absent", scratch / "other"), Error);
}

TEST_CASE("removing what isn't there is success, removing a directory isn't") {
  const test::ScratchDir scratch;
  CHECK_NOTHROW(remove_file(scratch / "absent"));
  CHECK_THROWS_AS(remove_file(scratch.path()), Error);
}

TEST_CASE("a sparse file has fewer bytes than it shows") {
  const test::ScratchDir scratch;
  const UniqueFd fd = open_file(scratch / "x", O_RDWR | O_CREAT, 0600);
  REQUIRE(::ftruncate(fd.get(), 1 << 20) == 0);
  const FileSizes sizes = sizes_of(scratch / "x");
  CHECK(sizes.apparent == mebibytes(1));
  CHECK(sizes.allocated < mebibytes(1));
}

// Only root gives files away.
TEST_CASE("what root makes in another user's directory is that user's" * doctest::skip(::geteuid() != 0)) {
  const test::ScratchDir scratch;
  constexpr uid_t kUser = 12345;
  REQUIRE(::chown(scratch.path().c_str(), kUser, kUser + 1) == 0);
  make_directories(scratch / "a" / "b");
  {
    FileLock lock(scratch / "lock");
    REQUIRE(lock.try_lock());
  }
  for (const char* name : {"a", "a/b", "lock"}) {
    struct stat found {};
    REQUIRE(::stat((scratch / name).c_str(), &found) == 0);
    CHECK(found.st_uid == kUser);
    CHECK(found.st_gid == kUser + 1);
  }
}

}  // namespace basecache
