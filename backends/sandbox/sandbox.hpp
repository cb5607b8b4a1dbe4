#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/confinement.hpp"
#include "backends/sandbox/landlock.hpp"
#include "backends/sandbox/limits.hpp"
#include "backends/sandbox/run_user.hpp"
#include "backends/sandbox/syscall_filter.hpp"

namespace basecache::sandbox {

// Around every program that reads the bytes of images and disks: no new privileges, no capabilities, no network, no
// other process, no file but those it is for, and an end to what it may use up. What is opened by it is opened as
// `user`, if that is another one than ours.
class Sandbox {
 public:
  Sandbox();

  // What this kernel lacks, each as it is told to operators: "Landlock (other files are guarded by their owners only)".
  // Empty: nothing.
  const std::vector<std::string>& missing() const { return missing_; }

  // Whether programs can be other users than we are.
  bool changes_users() const { return changes_users_; }

  // Who is nobody else: for a program that the calling thread waits for, so that what is lent to the one is lent to no
  // other process. "nobody", where our user namespace has no such users.
  User stranger() const;

  // For one run of a program; the Sandbox must outlive it. Every program may read and execute the system's programs and
  // libraries. Without `user`, or when !changes_users(), it stays who we are.
  // Error when a path of `reach` isn't there, or the kernel refuses.
  std::unique_ptr<Confinement> confine(Reach reach, const Limits& limits, std::optional<User> user) const;

 private:
  struct Filters {
    Filters() : files(DeviceCommands::none), devices(DeviceCommands::questions) {}

    SyscallFilter files;
    SyscallFilter devices;
  };

  const SyscallFilter* filter_for(const Reach& reach) const;

  int landlock_version_;
  std::optional<Filters> filters_;
  bool changes_users_;
  bool has_run_users_;
  std::vector<std::string> missing_;
};

}  // namespace basecache::sandbox
