#include "agent/prune/node_markers.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>

#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::prune;

namespace {

constexpr std::time_t kNow = 1'800'000'000;
constexpr std::time_t kHour = 3600;

// A directory that two nodes share.
struct SharedDirectory {
  SharedDirectory() { layout::prepare_directories(layout); }

  static Usage usage_of(const model::CacheKey& key, const std::vector<std::string>& users) {
    Usage usage;
    usage.users[key] = users;
    return usage;
  }
  std::vector<std::string> users(std::time_t now) const {
    Usage told = first.others(now);
    return told.users[key];
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  model::CacheKey key = model::CacheKey::for_image("image");
  NodeMarkers first{layout, "n1"};
  NodeMarkers second{layout, "n2"};
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a node hears what another tells, and not what it told itself") {
  const SharedDirectory shared;
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"domain 'db' disk vda"}), true, kNow);
  CHECK(shared.users(kNow) == Lines{"node 'n2': domain 'db' disk vda"});
  CHECK(shared.second.others(kNow).users.empty());
  CHECK(shared.first.others(kNow).unreadable.empty());
}

TEST_CASE("many users of one base file are told by a few names") {
  const SharedDirectory shared;
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"a", "b", "c", "d", "e", "f"}), true, kNow);
  CHECK(shared.users(kNow) ==
        Lines{"node 'n2': a", "node 'n2': b", "node 'n2': c", "node 'n2': d", "node 'n2': 2 more"});
}

TEST_CASE("what a node told counts for a day after it has gone, then its files go") {
  const SharedDirectory shared;
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  CHECK(shared.users(kNow + 24 * kHour).size() == 1);
  CHECK(shared.users(kNow + 24 * kHour + 1).empty());
  CHECK(shared.users(kNow).empty());
  CHECK(boost::filesystem::is_empty(shared.layout.node_directory()));
}

TEST_CASE("a node that lives and hasn't told for a day, or never, makes usage unknown") {
  SharedDirectory shared;
  REQUIRE(shared.second.hold());
  CHECK(shared.first.others(kNow).unreadable.size() == 1);
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  CHECK(shared.first.others(kNow + 24 * kHour).unreadable.empty());
  CHECK(shared.first.others(kNow + 25 * kHour).unreadable.size() == 1);
  CHECK(shared.users(kNow + 25 * kHour).size() == 1);
}

TEST_CASE("a node without a hypervisor to ask needn't tell every day") {
  SharedDirectory shared;
  REQUIRE(shared.second.hold());
  shared.second.tell({}, false, kNow);
  CHECK(shared.first.others(kNow + 1000 * kHour).unreadable.empty());
}

TEST_CASE("a node that can't know tells that, and what it knew before") {
  const SharedDirectory shared;
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  Usage unknown;
  unknown.unreadable = {"libvirt is away"};
  shared.second.tell(unknown, true, kNow + 1);
  CHECK(shared.users(kNow + 1) == Lines{"node 'n2': a"});
  CHECK(shared.first.others(kNow + 1).unreadable == Lines{"node 'n2': libvirt is away"});
  shared.second.tell({}, true, kNow + 2);
  CHECK(shared.users(kNow + 2).empty());
  CHECK(shared.first.others(kNow + 2).unreadable.empty());
}

TEST_CASE("a marker that can't be understood makes usage unknown") {
  const SharedDirectory shared;
  for (const char* content : {"", "words", "[]", "{}", "{\"version\":1}", "{\"version\":2}"}) {
    CAPTURE(content);
    write_file(shared.layout.node_directory() / "n3.json", content);
    CHECK(shared.first.others(kNow).unreadable.size() == 1);
  }
}

TEST_CASE("one process of a host name holds it, until it goes") {
  SharedDirectory shared;
  {
    NodeMarkers daemon(shared.layout, "n1");
    CHECK(daemon.hold());
    CHECK_FALSE(shared.first.hold());
  }
  CHECK(shared.first.hold());
}

TEST_CASE("a host's name is a file's name whatever is in it") {
  const SharedDirectory shared;
  for (const char* host : {"../../x", "..", ".", "a b", "", "n1"}) {
    CAPTURE(host);
    const NodeMarkers odd(shared.layout, host);
    odd.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
    CHECK(odd.others(kNow).unreadable.empty());
  }
  CHECK(boost::filesystem::exists(shared.layout.node_directory() / "%2E%2E%2F%2E%2E%2Fx.json") == false);
  CHECK(boost::filesystem::exists(shared.layout.node_directory() / "%2E.%2F..%2Fx.json"));
  CHECK(shared.first.others(kNow).users.at(shared.key).size() == 5);
}
