#include "agent/prune/use_graph.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <ctime>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::prune;

namespace {

constexpr const char* kWebId = "9a2d629d-0000-4000-8000-000000000001";

// A disk whose whole content is the path of its backing file.
class ContentIsBacking : public DiskChainReader {
 public:
  std::optional<BackingFile> backing_file(const Path& disk, const std::string& format) const override {
    const std::string content = read_file(disk);
    if (format == "raw" || content.empty()) return std::nullopt;
    return BackingFile{.name = content, .format = "raw"};
  }
};

class FakeInventory : public DomainInventory {
 public:
  std::vector<domain::KnownDomain> domains(const OpContext& op) const override {
    ++asked;
    if (on_asked) on_asked();
    if (failure) throw *failure;
    if (op.hook_wait().is_on()) throw Error(ErrorCode::busy, "a hook waits");
    return known;
  }
  mutable int asked = 0;
  std::function<void()> on_asked;
  std::optional<Error> failure;
  std::vector<domain::KnownDomain> known;
};

struct GraphNode {
  GraphNode() {
    layout::prepare_directories(layout);
    write_file(layout.base_file(key), "");
    write_file(scratch / "disk", layout.base_file(key).native());
  }
  domain::KnownDomain web() const {
    return {.uuid = kWebId, .name = "web01", .files = {{scratch / "disk", "qcow2", "disk vda"}}};
  }
  std::vector<std::string> users(const Usage& usage) const {
    const auto found = usage.users.find(key);
    return found == usage.users.end() ? std::vector<std::string>{} : found->second;
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch / "instances"};
  model::CacheKey key = model::CacheKey::for_image("image");
  ContentIsBacking chains;
  FakeInventory inventory;
  cache::DomainLeases leases{layout};
  NodeMarkers nodes{layout, "n1"};
  NodeMarkers other{layout, "n2", "m2"};
  UseGraph graph{layout, chains, {.domains = &inventory, .leases = &leases, .nodes = &nodes}};
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the hypervisor is asked once a collection, and its domains are users") {
  GraphNode node;
  node.inventory.known = {node.web()};
  const Usage usage = node.graph.collect(test_operation());
  CHECK(node.users(usage) == Lines{"domain 'web01' disk vda"});
  CHECK(usage.unreadable.empty());
  CHECK(node.inventory.asked == 1);
}

TEST_CASE("what a hook has told of is in use although the hypervisor can't be asked") {
  GraphNode node;
  node.leases.hold(node.web());
  node.inventory.failure = Error(ErrorCode::tool_failed, "libvirt is away").set_hint("start it");
  const Usage usage = node.graph.collect(test_operation());
  CHECK(node.users(usage) == Lines{"domain 'web01' disk vda (its hook holds it)"});
  CHECK(usage.unreadable == Lines{"libvirt is away (start it)"});
  CHECK(node.graph.reason_to_stay(node.key, test_operation()));
}

TEST_CASE("a domain that libvirt and its hook tell of is named once") {
  GraphNode node;
  node.inventory.known = {node.web()};
  node.leases.hold(node.web());
  CHECK(node.users(node.graph.collect(test_operation())) == Lines{"domain 'web01' disk vda"});
}

TEST_CASE("a domain that has ended while the agent was away stops nothing, once libvirt has told") {
  GraphNode node;
  domain::KnownDomain ended = node.web();
  ended.files = {{node.scratch / "gone", "qcow2", "disk vdb"}};
  node.leases.hold(ended);
  const Path lease = node.layout.domain_lease(kWebId);
  const timespec times[2] = {{.tv_sec = std::time(nullptr) - 601, .tv_nsec = 0},
                             {.tv_sec = std::time(nullptr) - 601, .tv_nsec = 0}};
  REQUIRE(::utimensat(AT_FDCWD, lease.c_str(), times, 0) == 0);
  node.inventory.failure = Error(ErrorCode::tool_failed, "libvirt is away");
  const Usage unknown = node.graph.collect(test_operation());
  REQUIRE(unknown.unreadable.size() == 2);
  CHECK(unknown.unreadable[1].find("remove its lease") != std::string::npos);
  node.inventory.failure.reset();
  CHECK(node.graph.collect(test_operation()).unreadable.empty());
  CHECK(boost::filesystem::exists(lease));
  CHECK(node.graph.collect(test_operation(), true).unreadable.empty());
  CHECK_FALSE(boost::filesystem::exists(lease));
}

TEST_CASE("a lease that can't be read makes usage unknown") {
  GraphNode node;
  write_file(node.layout.domain_lease(kWebId), "words");
  CHECK(node.graph.collect(test_operation()).unreadable.size() == 1);
}

TEST_CASE("other nodes are told what this one's domains use, and not by who only looks or while a hook waits") {
  GraphNode node;
  node.inventory.known = {node.web()};
  node.graph.collect(test_operation());
  CHECK(node.other.others(std::time(nullptr)).users.empty());
  node.graph.tell_nodes(test_operation());
  CHECK(node.users(node.other.others(std::time(nullptr))) == Lines{"node 'n1': domain 'web01' disk vda"});

  const OpContext op = test_operation();
  HookWait wait = op.hook_wait();
  wait.raise();
  node.graph.tell_nodes(op);
  CHECK(node.graph.collect(op).unreadable == Lines{"a hook waits"});
  CHECK(node.other.others(std::time(nullptr)).unreadable.empty());
}

TEST_CASE("who can wait lets hooks be answered before it asks the hypervisor") {
  GraphNode node;
  HookWait wait;
  OpContext op("prune", {}, OpContext::Clock::now() + std::chrono::hours(1), [&](const Progress& progress) {
    CHECK(progress.step == "wait");
    CHECK(node.inventory.asked == 0);
    wait.lower();
  });
  op.set_hook_wait(wait);
  wait.raise();
  CHECK(node.graph.after_hooks().collect(op).unreadable.empty());
  CHECK(node.inventory.asked == 1);
}

TEST_CASE("who can wait asks again when a hook made it give up, and not for ever") {
  GraphNode node;
  int hooks = 1;
  node.inventory.on_asked = [&] {
    if (hooks-- > 0) throw Error(ErrorCode::busy, "a hook waits");
  };
  CHECK(node.graph.after_hooks().collect(test_operation()).unreadable.empty());
  CHECK(node.inventory.asked == 2);
  hooks = 1;
  CHECK(node.graph.collect(test_operation()).unreadable == Lines{"a hook waits"});
  hooks = 1000;
  CHECK(node.graph.after_hooks().collect(test_operation()).unreadable == Lines{"a hook waits"});
}

TEST_CASE("other nodes are told of a hypervisor that is away") {
  GraphNode node;
  node.inventory.failure = Error(ErrorCode::tool_failed, "libvirt is away");
  node.graph.tell_nodes(test_operation());
  CHECK(node.other.others(std::time(nullptr)).unreadable.size() == 1);
}

TEST_CASE("what other nodes use stays here") {
  GraphNode node;
  Usage theirs;
  theirs.users[node.key] = {"domain 'db' disk vda"};
  node.other.tell(theirs, true, std::time(nullptr));
  CHECK(node.users(node.graph.collect(test_operation())) == Lines{"node 'n2': domain 'db' disk vda"});
}

TEST_CASE("what another node's hook holds stays while anything is known of that node, and stops nothing here") {
  GraphNode node;
  cache::DomainLeases theirs(node.layout, "m2", "boot");
  theirs.hold(node.web());
  CHECK(node.users(node.graph.collect(test_operation())).empty());
  node.other.tell({}, true, std::time(nullptr));
  CHECK(node.users(node.graph.collect(test_operation())) ==
        Lines{"domain 'web01' disk vda (its hook on another node holds it)"});
  boost::filesystem::remove(node.scratch / "disk");  // it is on that node only
  CHECK(node.graph.collect(test_operation()).unreadable.empty());
}
