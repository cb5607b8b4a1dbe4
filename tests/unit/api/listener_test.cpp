#include "agent/api/listener.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cstring>
#include <string>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::api;
using basecache::test::ScratchDir;

namespace {

sockaddr_un address_of(const Path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

UniqueFd connected(const Path& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

// What a daemon leaves behind that was killed: a socket that nobody listens on.
void leave_dead_socket(const Path& path) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

mode_t mode_of(const Path& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode;
}

Error refusal_of(const SocketSettings& settings) {
  try {
    const Listener listener(settings);
  } catch (const Error& error) {
    return error;
  }
  FAIL("listens at " << settings.path.native());
  return {ErrorCode::internal, ""};
}

}  // namespace

TEST_CASE("a listener makes its directory and a socket with the mode that was asked for") {
  const ScratchDir scratch;
  const SocketSettings settings{.path = scratch / "run" / "agent.sock", .mode = 0600, .group = {}};
  const Listener listener(settings);
  CHECK(S_ISSOCK(mode_of(settings.path)));
  CHECK((mode_of(settings.path) & 07777) == 0600);
  CHECK(connected(settings.path));
}

TEST_CASE("the socket is given to the group that was asked for") {
  const ScratchDir scratch;
  const SocketSettings settings{.path = scratch / "agent.sock", .mode = 0660, .group = ::getegid()};
  const Listener listener(settings);
  struct stat found {};
  REQUIRE(::lstat(settings.path.c_str(), &found) == 0);
  CHECK(found.st_gid == ::getegid());
}

TEST_CASE("accept takes the client that waits, and waits for none") {
  const ScratchDir scratch;
  const Listener listener({.path = scratch / "agent.sock", .mode = 0660, .group = {}});
  CHECK_FALSE(listener.accept());
  const UniqueFd client = connected(scratch / "agent.sock");
  REQUIRE(client);
  CHECK(listener.accept());
  CHECK_FALSE(listener.accept());
}

TEST_CASE("a second listener is refused while the first one lives, and doesn't take its socket away") {
  const ScratchDir scratch;
  const SocketSettings settings{.path = scratch / "agent.sock", .mode = 0660, .group = {}};
  const Listener first(settings);
  const Error error = refusal_of(settings);
  CHECK(error.code() == ErrorCode::in_use);
  CHECK(error.message().find("agent.sock") != std::string::npos);
  CHECK_FALSE(error.hint().empty());
  CHECK(connected(settings.path));
}

TEST_CASE("the socket goes with its listener, and the next one can have the path") {
  const ScratchDir scratch;
  const SocketSettings settings{.path = scratch / "agent.sock", .mode = 0660, .group = {}};
  { const Listener first(settings); }
  CHECK_FALSE(boost::filesystem::exists(settings.path));
  const Listener second(settings);
  CHECK(connected(settings.path));
}

TEST_CASE("a dead daemon's socket is taken over") {
  const ScratchDir scratch;
  const Path path = scratch / "agent.sock";
  leave_dead_socket(path);
  REQUIRE_FALSE(connected(path));
  const Listener listener({.path = path, .mode = 0660, .group = {}});
  CHECK(connected(path));
}

TEST_CASE("what is no socket isn't touched") {
  const ScratchDir scratch;
  const Path path = scratch / "agent.sock";
  SUBCASE("a file") {
    test::write_file(path, "precious");
    CHECK(refusal_of({.path = path, .mode = 0660, .group = {}}).code() == ErrorCode::already_exists);
    CHECK(test::read_file(path) == "precious");
  }
  SUBCASE("a directory") {
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    CHECK(refusal_of({.path = path, .mode = 0660, .group = {}}).code() == ErrorCode::already_exists);
    CHECK(S_ISDIR(mode_of(path)));
  }
  SUBCASE("a symbolic link, even to a socket") {
    leave_dead_socket(scratch / "other.sock");
    REQUIRE(::symlink((scratch / "other.sock").c_str(), path.c_str()) == 0);
    CHECK(refusal_of({.path = path, .mode = 0660, .group = {}}).code() == ErrorCode::already_exists);
    CHECK(S_ISLNK(mode_of(path)));
    CHECK(S_ISSOCK(mode_of(scratch / "other.sock")));
  }
}

TEST_CASE("a path that is too long for a socket is refused with the limit") {
  const ScratchDir scratch;
  const Path path = scratch / std::string(120, 'a');
  const Error error = refusal_of({.path = path, .mode = 0660, .group = {}});
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(error.message().find("longer than 107 bytes") != std::string::npos);
  CHECK_FALSE(boost::filesystem::exists(path));
}
