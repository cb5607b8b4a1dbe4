#include "agent/base/staged_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cstdint>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

void append(StagedFile& file, std::string_view text) { file.append(std::as_bytes(std::span(text))); }

// Data, a megabyte of zeros, data, a megabyte of zeros; nothing at a block's boundary.
std::string sparse_content() {
  const std::string zeros(1 << 20, '\0');
  return "head" + zeros + "middle" + zeros;
}

}  // namespace

TEST_CASE("an unpublished file goes with its object") {
  const test::ScratchDir scratch;
  {
    StagedFile file = StagedFile::create(scratch / "x.part");
    append(file, "abc");
    CHECK(exists(scratch / "x.part"));
  }
  CHECK_FALSE(exists(scratch / "x.part"));
}

TEST_CASE("a moved object takes its file along") {
  const test::ScratchDir scratch;
  {
    StagedFile file = StagedFile::create(scratch / "x.part");
    { const StagedFile other = std::move(file); }
    CHECK_FALSE(exists(scratch / "x.part"));
    test::write_file(scratch / "x.part", "somebody else's");
  }
  CHECK(exists(scratch / "x.part"));
}

TEST_CASE("what a dead builder left is replaced, not followed") {
  const test::ScratchDir scratch;
  test::write_file(scratch / "precious", "precious");
  REQUIRE(::symlink((scratch / "precious").c_str(), (scratch / "x.part").c_str()) == 0);
  StagedFile file = StagedFile::create(scratch / "x.part");
  append(file, "abc");
  CHECK(test::read_file(scratch / "precious") == "precious");
  CHECK(test::read_file(scratch / "x.part") == "abc");
}

TEST_CASE("nobody but us can read a file in the making") {
  const test::ScratchDir scratch;
  const StagedFile file = StagedFile::create(scratch / "x.part");
  struct stat found {};
  REQUIRE(::stat(file.path().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("zeros become holes, whatever the pieces in which they arrive") {
  const std::string content = sparse_content();
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{4096}, std::size_t{65536}, content.size()}) {
    CAPTURE(piece);
    const test::ScratchDir scratch;
    StagedFile file = StagedFile::create(scratch / "x.part");
    for (std::size_t at = 0; at < content.size(); at += piece)
      append(file, std::string_view(content).substr(at, piece));
    CHECK(file.size() == Bytes{content.size()});
    file.finish();
    CHECK((test::read_file(scratch / "x.part") == content));
    if (piece >= 8192) CHECK(sizes_of(scratch / "x.part").allocated < kibibytes(64));
  }
}

TEST_CASE("a file of nothing but zeros has its length") {
  const test::ScratchDir scratch;
  StagedFile file = StagedFile::create(scratch / "x.part");
  append(file, std::string(1 << 20, '\0'));
  file.finish();
  CHECK(sizes_of(scratch / "x.part").apparent == mebibytes(1));
}

TEST_CASE("a restarted file has nothing of the first attempt") {
  const test::ScratchDir scratch;
  StagedFile file = StagedFile::create(scratch / "x.part");
  append(file, std::string(10000, 'x'));
  file.restart();
  CHECK(file.size() == Bytes{0});
  append(file, std::string(8192, '\0') + "end");
  file.finish();
  CHECK((test::read_file(scratch / "x.part") == std::string(8192, '\0') + "end"));
}

TEST_CASE("a file that was left is gone on with, behind as many bytes as are wanted") {
  const test::ScratchDir scratch;
  const std::string content = sparse_content();
  {
    StagedFile file = StagedFile::create(scratch / "x.part");
    append(file, content);
    std::move(file).leave();
  }
  CHECK((test::read_file(scratch / "x.part") == content));
  {
    StagedFile file = StagedFile::reopen(scratch / "x.part", Bytes{10'000});
    CHECK(file.size() == Bytes{10'000});
    append(file, "end");
    file.sync();
    CHECK((test::read_file(scratch / "x.part") == content.substr(0, 10'000) + "end"));
  }
  CHECK_FALSE(exists(scratch / "x.part"));
}

TEST_CASE("a file that was left is as old as its last byte, however often it is reopened") {
  const test::ScratchDir scratch;
  const Path path = scratch / "x.part";
  test::write_file(path, std::string(10'000, 'x'));
  boost::filesystem::last_write_time(path, 1000);
  for (const std::uint64_t length : {10000U, 10000U, 5000U}) {
    StagedFile file = StagedFile::reopen(path, Bytes{length});
    file.sync();
    std::move(file).leave();
    CHECK(sizes_of(path).apparent == Bytes{length});
    CHECK(boost::filesystem::last_write_time(path) == 1000);
  }
  StagedFile file = StagedFile::reopen(path, Bytes{5000});
  append(file, "more");
  std::move(file).leave();
  CHECK(boost::filesystem::last_write_time(path) > 1000);
}

TEST_CASE("a file that is absent, shorter or a link is not gone on with") {
  const test::ScratchDir scratch;
  CHECK_THROWS_AS(StagedFile::reopen(scratch / "x.part", Bytes{1}), Error);
  test::write_file(scratch / "short", "abc");
  CHECK_THROWS_AS(StagedFile::reopen(scratch / "short", Bytes{4}), Error);
  REQUIRE(::symlink((scratch / "short").c_str(), (scratch / "x.part").c_str()) == 0);
  CHECK_THROWS_AS(StagedFile::reopen(scratch / "x.part", Bytes{1}), Error);
  CHECK(test::read_file(scratch / "short") == "abc");
}

TEST_CASE("a published file has its name, is read-only, and stays") {
  const test::ScratchDir scratch;
  {
    StagedFile file = StagedFile::create(scratch / "x.part");
    append(file, "abc");
    file.finish();
    std::move(file).publish(scratch / "x");
  }
  CHECK(test::read_file(scratch / "x") == "abc");
  CHECK_FALSE(exists(scratch / "x.part"));
  struct stat found {};
  REQUIRE(::stat((scratch / "x").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0444);
}

TEST_CASE("a file that was lent and never given back is ours when it is gone on with, and when it is published") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  const test::ScratchDir scratch;
  const auto lend = [&] { REQUIRE(::chown((scratch / "x.part").c_str(), 1879048193, 1879048193) == 0); };
  const auto is_ours = [&](std::string_view name) {
    struct stat found {};
    REQUIRE(::stat((scratch / name).c_str(), &found) == 0);
    return found.st_uid == ::geteuid() && found.st_gid == ::getegid();
  };
  test::write_file(scratch / "x.part", "abc");
  lend();
  StagedFile file = StagedFile::reopen(scratch / "x.part", Bytes{3});
  CHECK(is_ours("x.part"));
  lend();
  std::move(file).publish(scratch / "x");
  CHECK(is_ours("x"));
}

TEST_CASE("publishing replaces nothing") {
  const test::ScratchDir scratch;
  test::write_file(scratch / "x", "old");
  const auto publish = [&] {
    StagedFile file = StagedFile::create(scratch / "x.part");
    std::move(file).publish(scratch / "x");
  };
  try {
    publish();
    FAIL("published over a file");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::already_exists);
  }
  CHECK(test::read_file(scratch / "x") == "old");
  CHECK_FALSE(exists(scratch / "x.part"));
}

TEST_CASE("a tool's file is taken over when the tool has made it") {
  const test::ScratchDir scratch;
  test::write_file(scratch / "x.part", "left by a dead builder");
  StagedFile file = StagedFile::reserve(scratch / "x.part");
  CHECK_FALSE(exists(scratch / "x.part"));
  CHECK(file.fd() == -1);
  test::write_file(scratch / "x.part", "made by a tool");
  file.adopt();
  CHECK(file.size() == Bytes{14});
  std::move(file).publish(scratch / "x");
  CHECK(test::read_file(scratch / "x") == "made by a tool");
}

TEST_CASE("a tool that made nothing has failed") {
  const test::ScratchDir scratch;
  StagedFile file = StagedFile::reserve(scratch / "x.part");
  try {
    file.adopt();
    FAIL("adopted nothing");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::tool_failed);
  }
}

}  // namespace basecache
