#pragma once

#include <string>

#include "agent/base/op_context.hpp"
#include "agent/injection/injection.hpp"
#include "agent/provision/guest_injector.hpp"

namespace basecache::guest {

// Injection by guestfish(1): a Linux in an appliance of its own (QEMU) mounts what the guest's file system is. The
// disk's format is always named. Secrets go by its standard input. The environment's LIBGUESTFS_* and TMPDIR are passed
// on, but it never goes through libvirt: a hook of libvirt's may wait for us. Error(tool_failed) when guestfish isn't
// installed; Error(image_unacceptable) when it fails.

// Looks at the guest, which isn't changed; the commands that change it. What can't be put in is a note, or where it is
// mandatory an Error.
std::string guestfish_commands(const provision::NewRootDisk& disk, const injection::Injection& injection,
                               OpContext& op);

// Runs them. What then fails is a note, or where it is mandatory an Error, after which the disk may be half written.
void run_guestfish(const provision::NewRootDisk& disk, int partition, std::string commands, OpContext& op);

}  // namespace basecache::guest
