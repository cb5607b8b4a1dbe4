#pragma once

#include "agent/base/op_context.hpp"
#include "agent/injection/injection.hpp"
#include "agent/provision/guest_injector.hpp"
#include "backends/guest/guest_commands.hpp"

namespace basecache::guest {

// Injection by guestfish(1): a Linux in an appliance of its own (QEMU) mounts what the guest's file system is. The
// disk's format is always named. Secrets go by its standard input; its files in between stand beside the disk, if that
// is a file. The environment's LIBGUESTFS_* and TMPDIR are passed on (not what makes it tell more), but it never goes
// through libvirt: a hook of libvirt's may wait for us. A run may take 5 minutes. Error(tool_failed) with a hint when
// guestfish isn't installed or its appliance doesn't start; Error(image_unacceptable) when the guest is to blame.

// Looks at the guest, which isn't changed; the commands that change it. What can't be put in is a note, or where it is
// mandatory an Error.
GuestCommands guestfish_commands(const provision::NewRootDisk& disk, const injection::Injection& injection,
                                 OpContext& op);

// Runs them, once more for those behind an item that failed. Such an item is a note, unless it is mandatory or
// something of it was changed (what it adds is in the guest before, so that hardly anything makes it fail then): then
// it is an Error, after which the disk is to be thrown away. Directories made for it stay.
void run_guestfish(const provision::NewRootDisk& disk, int partition, const GuestCommands& commands, OpContext& op);

}  // namespace basecache::guest
