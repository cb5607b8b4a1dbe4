#pragma once

#include "agent/base/op_context.hpp"
#include "agent/base/subprocess.hpp"

namespace basecache::lvm {

// Runs a program that changes device-mapper's tables. A cancellation doesn't kill it, which could leave a device
// suspended, with everything that waits for it; it has two minutes of its own, since LVM waits for other commands'
// locks and for devices that don't answer. Cancelled or Error(timed_out) before it begins, as run().
CompletedProcess run_uninterrupted(const Command& command, const OpContext& op);

}  // namespace basecache::lvm
