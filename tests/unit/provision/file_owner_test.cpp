#include "agent/provision/file_owner.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <string>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::provision;

namespace {

constexpr auto kStays = static_cast<uid_t>(-1);

std::string refusal(const std::string& text) {
  try {
    (void)owner_named(text, "[basecache] disk_owner");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK_FALSE(error.hint().empty());
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("users and groups are named, or numbered where the node doesn't know them") {
  struct Row {
    std::string text;
    FileOwner expected;
  };
  const Row rows[] = {{"", {kStays, kStays}},
                      {"root", {0, 0}},
                      {"0", {0, 0}},
                      {"4123456789", {4123456789, kStays}},
                      {"root:root", {0, 0}},
                      {"root:4123456788", {0, 4123456788}},
                      {"4123456789:root", {4123456789, 0}}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const FileOwner found = owner_named(row.text, "option");
    CHECK(found.user == row.expected.user);
    CHECK(found.group == row.expected.group);
    CHECK(found.is_given() == !row.text.empty());
  }
}

TEST_CASE("who isn't known is named together with the option") {
  CHECK(refusal("nobody-is-called-so") == "[basecache] disk_owner: there is no user 'nobody-is-called-so'");
  CHECK(refusal("root:nobody-is-called-so") == "[basecache] disk_owner: there is no group 'nobody-is-called-so'");
  CHECK(refusal(":root") == "[basecache] disk_owner: there is no user ''");
  CHECK(refusal("root:") == "[basecache] disk_owner: there is no group ''");
  CHECK(refusal("4294967295") == "[basecache] disk_owner: there is no user '4294967295'");
}

TEST_CASE("what stays whose it is needs no right") {
  require_right_to_give({}, "/nowhere", "option");
  const test::ScratchDir scratch;
  require_right_to_give({.user = ::geteuid(), .group = ::getegid()}, scratch.path(), "option");
  CHECK(boost::filesystem::is_empty(scratch.path()));
}
