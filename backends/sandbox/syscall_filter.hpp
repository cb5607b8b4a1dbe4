#pragma once

#include <linux/filter.h>

#include <vector>

namespace basecache::sandbox {

// What ioctl() may be used for.
enum class DeviceCommands {
  none,       // it fails with ENOTTY
  questions,  // a block device may be asked how large it is, and the like; all else fails with ENOSYS
};

// A seccomp filter as a program for the kernel. All that isn't on the list of what a converter of files needs fails:
// sockets, new processes, other processes' memory, mounts and the like with EPERM, ioctl() as said above, what we don't
// know with ENOSYS, so that a libc which tries something newer first goes on with the older call. A thread is no new
// process.
class SyscallFilter {
 public:
  // Error(tool_failed) when libseccomp can't make one for this machine.
  explicit SyscallFilter(DeviceCommands commands);

  const std::vector<sock_filter>& program() const { return program_; }

 private:
  std::vector<sock_filter> program_;
};

// Whether the kernel takes filters.
bool has_syscall_filters();

}  // namespace basecache::sandbox
