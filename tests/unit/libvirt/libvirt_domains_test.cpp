#include "backends/libvirt/libvirt_domains.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <boost/filesystem/operations.hpp>
#include <thread>

#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::libvirt;

namespace {

// A lister that says what a test wants.
struct Lister {
  explicit Lister(const std::string& script) {
    write_file(scratch / "lister", "#!/bin/sh\n" + script);
    REQUIRE(::chmod((scratch / "lister").c_str(), 0755) == 0);
  }
  std::vector<domain::KnownDomain> domains(const OpContext& op = test_operation()) const {
    return LibvirtDomains({.uri = "test:///x", .program = scratch / "lister", .patience = patience}).domains(op);
  }
  // Until the lister runs.
  void wait() const {
    while (!boost::filesystem::exists(scratch / "runs")) std::this_thread::yield();
  }
  ScratchDir scratch;
  std::chrono::seconds patience{30};
};

constexpr const char* kSilent = "touch \"${0%/*}/runs\"\nexec sleep 1000\n";

}  // namespace

TEST_CASE("the child is asked for the domains of the node's libvirt") {
  const Lister lister(
      "echo \"{\\\"uuid\\\":\\\"u\\\",\\\"name\\\":\\\"$1 $2 "
      "$LIBVIRT_AUTOSTART\\\",\\\"active\\\":true,\\\"files\\\":[]}\"\n"
      "echo '{\"end\":1}'\n");
  const auto domains = lister.domains();
  REQUIRE(domains.size() == 1);
  CHECK(domains[0].name == "list-domains test:///x 0");
}

TEST_CASE("a child that fails, ends early or says too much is an error, never a short list") {
  CHECK(says(error_of([] { Lister("echo '{\"error\":\"no libvirt\",\"hint\":\"h\"}'; exit 1\n").domains(); }),
             "no libvirt"));
  CHECK(says(error_of([] { Lister("echo '{\"end\":0}'; echo broken >&2; exit 1\n").domains(); }), "broken"));
  CHECK(says(error_of([] { Lister("kill -9 $$\n").domains(); }), "signal 9"));
  CHECK(says(error_of([] { Lister("exit 0\n").domains(); }), "not whole"));
  CHECK(says(error_of([] { Lister("exec cat /dev/zero\n").domains(); }), "lines longer"));
}

TEST_CASE("a libvirt that doesn't answer is given up with the node's patience, and with the operation") {
  Lister silent(kSilent);
  silent.patience = std::chrono::seconds(0);
  const auto error = error_of([&] { silent.domains(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::timed_out);
  CHECK(says(error, "test:///x"));

  silent.patience = std::chrono::seconds(1000);
  std::stop_source stop;
  const std::jthread stopper([&] {
    silent.wait();
    stop.request_stop();
  });
  CHECK_THROWS_AS(silent.domains(test_operation(stop.get_token())), Cancelled);
}

TEST_CASE("while a hook waits libvirt isn't asked") {
  const Lister silent(kSilent);
  OpContext op = test_operation();
  HookWait wait = op.hook_wait();
  wait.raise();
  CHECK(code_of([&] { silent.domains(op); }) == ErrorCode::busy);
  CHECK_FALSE(boost::filesystem::exists(silent.scratch / "runs"));
}

TEST_CASE("a hook that begins to wait ends the wait for libvirt") {
  Lister silent(kSilent);
  silent.patience = std::chrono::seconds(1000);
  const OpContext op = test_operation();
  HookWait wait = op.hook_wait();
  const std::jthread hook([&] {
    silent.wait();
    wait.raise();
  });
  CHECK(code_of([&] { silent.domains(op); }) == ErrorCode::busy);
}

TEST_CASE("libvirt is installed where its daemon or its socket is") {
  const ScratchDir root;
  CHECK_FALSE(is_installed(root.path()));
  for (const char* sign : {"usr/sbin/libvirtd", "usr/sbin/virtqemud", "run/libvirt/libvirt-sock"}) {
    CAPTURE(sign);
    const ScratchDir other;
    boost::filesystem::create_directories((other / sign).parent_path());
    write_file(other / sign, "");
    CHECK(is_installed(other.path()));
  }
}

TEST_CASE("libvirt is where Nova has it") {
  CHECK(default_uri(model::VirtType::kvm) == "qemu:///system");
  CHECK(default_uri(model::VirtType::qemu) == "qemu:///system");
  CHECK(default_uri(model::VirtType::lxc) == "lxc:///");
  CHECK(default_uri(model::VirtType::parallels) == "parallels:///system");
}
