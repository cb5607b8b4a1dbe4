#include "tools/basecache-qemu-hook/domain_hook.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <string>

#include "agent/domain/metadata_namespaces.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::hook;

namespace {

const std::string kUuid = "9a2d629d-0000-4000-8000-000000000001";

// A node on which no agent runs.
struct Deserted {
  Deserted() { config.socket = scratch.path() / "no.sock"; }

  HookResult run(HookAction action, const std::string& xml) const {
    return DomainHook(config, DomainHook::Clock::now()).run(action, xml);
  }
  std::string domain(const std::string& metadata, const std::string& disk = "disk") const {
    return "<domain><name>web01</name><uuid>" + kUuid + "</uuid><metadata>" + metadata +
           "</metadata><devices><disk type='file'><driver type='qcow2'/><source file='" + place(disk).native() +
           "'/><target dev='vda'/></disk></devices></domain>";
  }
  Path place(const std::string& disk) const { return scratch.path() / kUuid / disk; }

  test::ScratchDir scratch;
  Config config;
  const std::string ours = "<b:instance xmlns:b='" + std::string(domain::kInstanceNamespace) + "'/>";
  const std::string nova = "<n:instance xmlns:n='" + std::string(domain::kNovaNamespaces[0]) + "'/>";
};

}  // namespace

TEST_CASE("without an agent a domain whose disk is missing doesn't start, and hears why") {
  const Deserted node;
  for (const std::string& metadata : {node.ours, node.nova}) {
    const HookResult result = node.run(HookAction::prepare, node.domain(metadata));
    CHECK(result.is_refusal);
    CHECK(result.line.find("can't be reached") != std::string::npos);
  }
}

TEST_CASE("it may be told to go on") {
  Deserted node;
  node.config.hook_failure = HookFailure::ignore;
  const HookResult result = node.run(HookAction::prepare, node.domain(node.ours));
  CHECK_FALSE(result.is_refusal);
  CHECK_FALSE(result.line.empty());
}

TEST_CASE("without an agent a domain whose disks are there starts") {
  const Deserted node;
  boost::filesystem::create_directories(node.place("disk").parent_path());
  test::write_file(node.place("disk"), "x");
  for (const std::string& metadata : {node.ours, node.nova}) {
    const HookResult result = node.run(HookAction::prepare, node.domain(metadata));
    CHECK_FALSE(result.is_refusal);
    CHECK(result.line.find("are there") != std::string::npos);
  }
}

TEST_CASE("nothing but a start is refused") {
  const Deserted node;
  for (const HookAction action : {HookAction::reconnect, HookAction::stopped, HookAction::release}) {
    CHECK_FALSE(node.run(action, node.domain(node.ours)).is_refusal);
    CHECK_FALSE(node.run(action, "<" + node.ours).is_refusal);
  }
}

TEST_CASE("what can't be understood is refused only where it is ours") {
  const Deserted node;
  CHECK(node.run(HookAction::prepare, "<domain>" + node.ours).is_refusal);
  CHECK_FALSE(node.run(HookAction::prepare, "<domain>" + node.nova).is_refusal);
  const HookResult elsewhere = node.run(HookAction::prepare, node.domain("") + "<!-- " + node.ours + " -->");
  CHECK_FALSE(elsewhere.is_refusal);
  CHECK(elsewhere.line.empty());
}
