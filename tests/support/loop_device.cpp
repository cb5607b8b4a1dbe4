#include "tests/support/loop_device.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "agent/base/subprocess.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::test {

bool LoopDevice::can_be_made() { return ::geteuid() == 0 && ::access("/dev/loop-control", R_OK | W_OK) == 0; }

LoopDevice::LoopDevice(const Path& file) {
  const Command attach{.argv = {"losetup", "--find", "--show", file.native()}};
  const std::string printed = run_checked(attach, test_operation(), "make a loop device").output;
  path_ = printed.substr(0, printed.find('\n'));
}

LoopDevice::LoopDevice(LoopDevice&& other) noexcept : path_(std::exchange(other.path_, Path())) {}

LoopDevice::~LoopDevice() {
  if (path_.empty()) return;
  const Command detach{.argv = {"losetup", "--detach", path_.native()}};
  CHECK_NOTHROW(run_checked(detach, test_operation(), "give back a loop device"));
}

}  // namespace basecache::test
