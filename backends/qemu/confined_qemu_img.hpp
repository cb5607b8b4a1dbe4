#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/model/disk_format.hpp"
#include "backends/sandbox/confined_run.hpp"

namespace basecache::qemu {

// qemu-img in the sandbox. The files that it is for are opened by us and are its descriptors 3 and 4, so that it needs
// no way to them: whoever reads an image runs as a stranger (the image's owner, where nobody else may read it), whoever
// changes a disk as the disk's owner. What it says of them names their paths.
//
// Errors: of describe() as of run(), of the others as of run_checked(); making a file may be Error(already_exists).
class ConfinedQemuImg {
 public:
  // `sandbox` must outlive this.
  explicit ConfinedQemuImg(const sandbox::Sandbox& sandbox) : sandbox_(sandbox) {}

  const sandbox::Sandbox& sandbox() const { return sandbox_; }

  // qemu-img info as JSON; whatever its exit code.
  CompletedProcess describe(const Path& image, model::DiskFormat format, const OpContext& op) const;

  // Makes `raw_file` (absent before), sparse, of that size, with the image's content. `on_stdout` sees its progress.
  // A file that wasn't finished is left there.
  void convert_to_raw(const Path& image, model::DiskFormat format, const Path& raw_file, Bytes virtual_size,
                      const std::function<void(std::string_view)>& on_stdout, const OpContext& op) const;

  // Never to a smaller size. A qcow2 disk's backing file isn't looked at either: it is never larger than the disk.
  void grow(const Path& disk, model::DiskFormat format, Bytes size, const OpContext& op) const;

 private:
  const sandbox::Sandbox& sandbox_;
};

}  // namespace basecache::qemu
