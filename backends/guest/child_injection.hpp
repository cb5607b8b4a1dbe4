#pragma once

#include <vector>

#include "agent/base/op_context.hpp"
#include "backends/guest/disk_changes.hpp"
#include "backends/guest/inject_job.hpp"
#include "backends/sandbox/sandbox.hpp"

namespace basecache::guest {

struct ChildInjection {
  DiskChanges changes;
  std::vector<ItemFailure> failures;
};

// Has a child that is confined to its descriptors read the guest's disk and say what is to be changed on it
// (inject_program.hpp): what a hostile file system makes of it can change nothing but that guest's own disk. `disk`:
// open for reading; nothing is written to it.
// UnsupportedFileSystem; Error(image_unacceptable) for a broken one; Error(tool_failed) when the child crashes or uses
// up more than it may. Of one failure of a mandatory item the caller makes an Error.
ChildInjection inject_by_child(const sandbox::Sandbox& sandbox, int disk, const InjectJob& job, const OpContext& op);

}  // namespace basecache::guest
