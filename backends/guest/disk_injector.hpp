#pragma once

#include "agent/provision/guest_injector.hpp"
#include "backends/guest/disk_changes.hpp"
#include "backends/guest/guest_commands.hpp"
#include "backends/sandbox/sandbox.hpp"

namespace basecache::guest {

// Never mounts what a guest has written: ext2, ext3 and ext4 are read by libext2fs in a confined child, which writes
// nothing; all else is left to guestfish(1), where it is installed.
class DiskInjector : public provision::GuestInjector {
 public:
  // `sandbox` must outlive this.
  explicit DiskInjector(const sandbox::Sandbox& sandbox) : sandbox_(sandbox) {}

  void inject(const provision::NewRootDisk& disk, const injection::Injection& injection, OpContext& op) override;

 private:
  struct Changes {
    DiskChanges of_disk;     // one of the two
    GuestCommands commands;  // for guestfish
  };
  Changes find_changes(const provision::NewRootDisk& disk, const injection::Injection& injection, OpContext& op) const;

  const sandbox::Sandbox& sandbox_;
};

}  // namespace basecache::guest
