#include "agent/base/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <set>

namespace basecache {

TEST_CASE("an errno becomes the code that a caller can react to") {
  const std::pair<int, ErrorCode> expected[] = {
      {ENOSPC, ErrorCode::no_space},        {EDQUOT, ErrorCode::no_space},
      {EROFS, ErrorCode::storage_unusable}, {EACCES, ErrorCode::storage_unusable},
      {EPERM, ErrorCode::storage_unusable}, {EIO, ErrorCode::storage_unusable},
      {ENXIO, ErrorCode::storage_unusable}, {EMFILE, ErrorCode::busy},
      {EFBIG, ErrorCode::storage_unusable}, {ELOOP, ErrorCode::storage_unusable},
      {EBADF, ErrorCode::internal},
  };
  for (const auto& row : expected) {
    CAPTURE(row.first);
    CHECK(Error::from_errno(row.first, "do it").code() == row.second);
  }
}

TEST_CASE("an error from an errno says what couldn't be done, and why") {
  CHECK(Error::from_errno(ENOSPC, "create '/x/disk'").message() == "cannot create '/x/disk': No space left on device");
}

TEST_CASE("context comes in front, the outermost first") {
  Error error(ErrorCode::no_space, "cannot write");
  error.add_context("converting").add_context("making the disk");
  CHECK(std::string(error.what()) == "making the disk: converting: cannot write");
  CHECK(error.code() == ErrorCode::no_space);
}

TEST_CASE("with_context adds to an error that passes, and asks for the words only then") {
  int asked = 0;
  const auto doing = [&] {
    ++asked;
    return "fetching";
  };
  CHECK(with_context(doing, [] { return 5; }) == 5);
  CHECK(asked == 0);
  CHECK_THROWS_WITH_AS(with_context(doing, [] { throw Error(ErrorCode::busy, "no room"); }), "fetching: no room",
                       Error);
  CHECK(asked == 1);
}

TEST_CASE("a cancellation passes handlers of failures") {
  const auto body = [] {
    try {
      with_context([] { return "fetching"; }, [] { throw Cancelled{}; });
    } catch (const std::exception&) {
      FAIL("taken for a failure");
    }
  };
  CHECK_THROWS_AS(body(), Cancelled);
}

TEST_CASE("hint and fields travel with the error") {
  Error error(ErrorCode::tool_failed, "x");
  error.set_hint("install it").add_field("exit", "1").add_field("argv0", "qemu-img");
  CHECK(error.hint() == "install it");
  REQUIRE(error.fields().size() == 2);
  CHECK(error.fields()[1].first == "argv0");
}

TEST_CASE("every code has a name of its own") {
  std::set<std::string_view> names;
  const int count = static_cast<int>(ErrorCode::internal) + 1;
  for (int i = 0; i < count; ++i) names.insert(name_of(static_cast<ErrorCode>(i)));
  CHECK(static_cast<int>(names.size()) == count);
  CHECK(name_of(ErrorCode::image_not_found) == "image_not_found");
}

}  // namespace basecache
