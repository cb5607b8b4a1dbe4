#include "tests/support/loop_device.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "agent/base/subprocess.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::test {

std::optional<LoopDevice> LoopDevice::over(const Path& file) {
  if (::geteuid() != 0) {
    MESSAGE("not tested: a loop device needs root");
    return std::nullopt;
  }
  const CompletedProcess done = run({.argv = {"losetup", "--find", "--show", file.native()}}, test_operation());
  if (done.status != 0) {
    MESSAGE("not tested: this machine has no loop device: ", done.errors);
    return std::nullopt;
  }
  return LoopDevice(done.output.substr(0, done.output.find('\n')));
}

LoopDevice::LoopDevice(LoopDevice&& other) noexcept : path_(std::exchange(other.path_, Path())) {}

LoopDevice::~LoopDevice() {
  if (path_.empty()) return;
  const Command detach{.argv = {"losetup", "--detach", path_.native()}};
  CHECK_NOTHROW(run_checked(detach, test_operation(), "give back a loop device"));
}

}  // namespace basecache::test
