#include "agent/api/peer_policy.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"

using namespace basecache;
using namespace basecache::api;

namespace {

constexpr uid_t kStranger = 54321;
constexpr gid_t kGroup = 777;

Peer peer(uid_t uid, std::vector<gid_t> groups = {}) { return {.uid = uid, .groups = std::move(groups)}; }

}  // namespace

TEST_CASE("without a list of users, root and the agent's own user may speak") {
  const PeerPolicy policy({}, std::nullopt);
  CHECK(policy.allows(peer(0)));
  CHECK(policy.allows(peer(::geteuid())));
  CHECK_FALSE(policy.allows(peer(kStranger)));
}

TEST_CASE("a list of users is all there is: root isn't in it by itself") {
  const PeerPolicy policy({kStranger}, std::nullopt);
  CHECK(policy.allows(peer(kStranger)));
  CHECK_FALSE(policy.allows(peer(0)));
  CHECK_FALSE(policy.allows(peer(kStranger + 1)));
}

TEST_CASE("members of the socket's group may speak, whoever they are") {
  const PeerPolicy policy({0}, kGroup);
  CHECK(policy.allows(peer(kStranger, {kGroup})));
  CHECK(policy.allows(peer(kStranger, {1, 2, kGroup})));
  CHECK_FALSE(policy.allows(peer(kStranger, {1, 2})));
  CHECK_FALSE(policy.allows(peer(kStranger)));
  CHECK(policy.allows(peer(0)));
}

TEST_CASE("a group is nobody's ticket when none is configured") {
  const PeerPolicy policy({kStranger}, std::nullopt);
  CHECK_FALSE(policy.allows(peer(1, {0, kGroup})));
}

TEST_CASE("the kernel tells who a peer is, with all of its groups") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const auto found = peer_of(ours.get());
  REQUIRE(found.has_value());
  CHECK(found->uid == ::geteuid());
  CHECK(std::ranges::find(found->groups, ::getegid()) != found->groups.end());
}

TEST_CASE("what is no socket has no peer") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  CHECK_FALSE(peer_of(reader.get()).has_value());
}

TEST_CASE("a group is found by its name, and an unknown name is an error of the configuration") {
  CHECK(group_named("root") == gid_t{0});
  CHECK_FALSE(group_named("").has_value());
  try {
    group_named("no-such-group-here");
    FAIL("was found");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message() == "[basecache] socket_group: there is no group 'no-such-group-here'");
  }
}
