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

void ConfinedQemuImg::create_overlay(const Path& overlay, const Path& base, model::DiskFormat base_format, Bytes size,
                                     const OpContext& op) const {
  op.check();
  change(OpenedFile::make(overlay, {}), create_overlay_argv(base, base_format, size), size, "make a qcow2 disk", op);
}

void ConfinedQemuImg::grow(const Path& disk, model::DiskFormat format, Bytes size, const OpContext& op) const {
  change(OpenedFile(disk, OpenedFile::Access::write), grow_argv(format, size), size, "grow the disk", op);
}

void ConfinedQemuImg::change(const OpenedFile& disk, std::vector<std::string> argv, Bytes size, std::string_view doing,
                             const OpContext& op) const {
  const CompletedProcess done = run_confined(sandbox_,
                                             {.command = {.argv = std::move(argv)},
                                              .files = {&disk},
                                              .user = disk.owner(),
                                              .limits = limits_of_changing(size)},
                                             op);
  require_success(done, doing);
}

}  // namespace basecache::qemu
