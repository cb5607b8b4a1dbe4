#pragma once

#include <vector>

#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache::sandbox {

// What a confined program may open; nothing else. Paths must exist; symbolic links are followed.
struct Reach {
  std::vector<Path> read = {};
  std::vector<Path> write = {};    // read and write
  std::vector<Path> execute = {};  // read and execute: programs, or directories of programs and their libraries
  // What we have opened, whatever has its name by now.
  std::vector<int> read_opened = {};
  std::vector<int> write_opened = {};
  std::vector<int> devices_opened = {};  // block devices: written, and asked what DeviceCommands::questions are
  bool own_mounts = false;               // read /proc/self/mounts, which isn't there before the program is
};

// The version of Landlock's interface that the kernel has (landlock(7)); 0 when it has none, or it is switched off.
int landlock_version();

// A ruleset for landlock_restrict_self(). Error(tool_failed) when the kernel refuses.
// Without `own_mounts`, which is for allow_own_mounts().
UniqueFd landlock_ruleset(int version, const Reach& reach);

// In the child between vfork and exec: system calls only. 0, or the errno of what failed.
int allow_own_mounts(int ruleset) noexcept;

}  // namespace basecache::sandbox
