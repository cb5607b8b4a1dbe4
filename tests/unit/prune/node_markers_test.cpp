#include "agent/prune/node_markers.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/file_lock.hpp"
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
  NodeMarkers first{layout, "n1", "m1"};
  NodeMarkers second{layout, "n2", "m2"};
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
    NodeMarkers daemon(shared.layout, "n1", "m1");
    CHECK(daemon.hold());
    CHECK_FALSE(shared.first.hold());
  }
  CHECK(shared.first.hold());
}

TEST_CASE("a host's name is a file's name whatever is in it") {
  const SharedDirectory shared;
  for (const char* host : {"../../x", "..", ".", "a b", "", "n1"}) {
    CAPTURE(host);
    const NodeMarkers odd(shared.layout, host, "m.1");
    odd.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
    CHECK(odd.others(kNow).unreadable.empty());
  }
  CHECK(boost::filesystem::exists(shared.layout.node_directory() / "%2E%2E%2F%2E%2E%2Fx.m%2E1.json") == false);
  CHECK(boost::filesystem::exists(shared.layout.node_directory() / "%2E.%2F..%2Fx.m%2E1.json"));
  CHECK(shared.first.others(kNow).users.at(shared.key).size() == 6);
}

TEST_CASE("two machines of one host name don't tell in each other's place") {
  const SharedDirectory shared;
  const NodeMarkers twin(shared.layout, "n2", "m3");
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  twin.tell({}, true, kNow);
  CHECK(shared.users(kNow) == Lines{"node 'n2': a"});
  CHECK(twin.others(kNow).users.size() == 1);
}

TEST_CASE("who has no hypervisor to ask tells nothing over who had one today, nor beside the daemon") {
  SharedDirectory shared;
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  shared.second.tell({}, false, kNow + 24 * kHour);
  CHECK(shared.users(kNow) == Lines{"node 'n2': a"});
  shared.second.tell({}, false, kNow + 24 * kHour + 1);
  CHECK(shared.users(kNow + 24 * kHour + 1).empty());

  NodeMarkers daemon(shared.layout, "n1", "m1");
  REQUIRE(daemon.hold());
  shared.first.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  CHECK(shared.second.others(kNow).users.empty());
  daemon.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  CHECK(shared.second.others(kNow).users.size() == 1);
}

TEST_CASE("what a node told whose clock was wrong goes with it") {
  SharedDirectory shared;
  Usage unknown = SharedDirectory::usage_of(shared.key, {"a"});
  unknown.unreadable = {"libvirt is away"};
  shared.second.tell(unknown, true, kNow + 1000 * kHour);
  CHECK(shared.first.others(kNow).unreadable.empty());
  CHECK(boost::filesystem::is_empty(shared.layout.node_directory()));
  REQUIRE(shared.second.hold());
  shared.second.tell(unknown, true, kNow + 1000 * kHour);
  CHECK(shared.first.others(kNow).unreadable.size() == 2);
}

TEST_CASE("who looks whether a node lives isn't taken for it") {
  SharedDirectory shared;
  shared.second.tell(SharedDirectory::usage_of(shared.key, {"a"}), true, kNow);
  const Path lock = shared.layout.node_directory() / "n2.m2.lock";
  write_file(lock, "");
  const std::time_t later = kNow + 25 * kHour;
  FileLock other(lock);  // of one who removes what a dead node left
  REQUIRE(other.try_lock());
  CHECK(shared.first.others(later).unreadable.size() == 1);
  other.unlock();
  CHECK(shared.first.others(later).unreadable.empty());
}
