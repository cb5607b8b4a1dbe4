#include "backends/qemu/confined_qemu_img.hpp"

#include <utility>

#include "backends/qemu/image_limits.hpp"
#include "backends/qemu/qemu_img_argv.hpp"
#include "backends/sandbox/confined_run.hpp"

namespace basecache::qemu {

using sandbox::OpenedFile;
using sandbox::run_confined;

CompletedProcess ConfinedQemuImg::describe(const Path& image, model::DiskFormat format, const OpContext& op) const {
  const OpenedFile source(image, OpenedFile::Access::read);
  return run_confined(sandbox_,
                      {.command = {.argv = describe_argv(format)},
                       .files = {&source},
                       .user = source.reader(sandbox_),
                       .limits = limits_of_looking()},
                      op);
}

void ConfinedQemuImg::convert_to_raw(const Path& image, model::DiskFormat format, const Path& raw_file,
                                     Bytes virtual_size, const std::function<void(std::string_view)>& on_stdout,
                                     const OpContext& op) const {
  op.check();
  const OpenedFile source(image, OpenedFile::Access::read);
  const OpenedFile target = OpenedFile::make(raw_file, virtual_size);
  const CompletedProcess done = run_confined(sandbox_,
                                             {.command = {.argv = convert_to_raw_argv(format), .on_stdout = on_stdout},
                                              .files = {&source, &target},
                                              .user = source.reader(sandbox_),
                                              .limits = limits_of_converting(virtual_size)},
                                             op);
  require_success(done, "convert the image to raw");
}

void ConfinedQemuImg::grow(const Path& disk, model::DiskFormat format, Bytes size, const OpContext& op) const {
  const OpenedFile file(disk, OpenedFile::Access::write);
  const CompletedProcess done = run_confined(sandbox_,
                                             {.command = {.argv = grow_argv(format, size)},
                                              .files = {&file},
                                              .user = file.owner(),
                                              .limits = limits_of_changing(size)},
                                             op);
  require_success(done, "grow the disk");
}

}  // namespace basecache::qemu
