#pragma once

#include "agent/base/op_context.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/provision/guest_injector.hpp"
#include "backends/guest/disk_changes.hpp"

namespace basecache::guest {

// Whether open_view() and write_changes() can do it: a raw disk, or a qcow2 overlay on a raw base file.
bool is_plain(const provision::NewRootDisk& disk);

// What the guest would read of a plain disk: the disk itself, or below an overlay that has nothing yet its base file;
// zeros behind its end. For reading.
UniqueFd open_view(const provision::NewRootDisk& disk);

// Onto a plain disk; an overlay gets the clusters that are changed, the rest of each from the base file. Error as of
// writing, Cancelled or Error(timed_out): the disk is then to be thrown away. A device has them when it returns.
void write_changes(const provision::NewRootDisk& disk, const DiskChanges& changes, const OpContext& op);

}  // namespace basecache::guest
