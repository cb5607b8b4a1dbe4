#include "backends/qemu/confined_qemu_img.hpp"

#include "backends/qemu/image_limits.hpp"
#include "backends/qemu/qemu_img_argv.hpp"
#include "backends/sandbox/confined_run.hpp"

namespace basecache::qemu {

using sandbox::OpenedFile;
using sandbox::run_confined;

CompletedProcess ConfinedQemuImg::describe(const Path& image, model::DiskFormat format, const OpContext& op) const {
  const OpenedFile source(image, OpenedFile::Access::read);
  return run_confined(sandbox_, {&source}, source.reader(), limits_of_looking(), {.argv = describe_argv(format)}, op);
}

void ConfinedQemuImg::convert_to_raw(const Path& image, model::DiskFormat format, const Path& raw_file,
                                     Bytes virtual_size, const std::function<void(std::string_view)>& on_stdout,
                                     const OpContext& op) const {
  const OpenedFile source(image, OpenedFile::Access::read);
  const OpenedFile target = OpenedFile::make(raw_file, virtual_size);
  require_success(run_confined(sandbox_, {&source, &target}, source.reader(), limits_of_converting(virtual_size),
                               {.argv = convert_to_raw_argv(format), .on_stdout = on_stdout}, op),
                  "convert the image to raw");
}

void ConfinedQemuImg::create_overlay(const Path& overlay, const Path& base, model::DiskFormat base_format, Bytes size,
                                     const OpContext& op) const {
  const OpenedFile target = OpenedFile::make(overlay, {});
  require_success(run_confined(sandbox_, {&target}, target.owner(), limits_of_changing(size),
                               {.argv = create_overlay_argv(base, base_format, size)}, op),
                  "make a qcow2 disk");
}

void ConfinedQemuImg::grow(const Path& disk, model::DiskFormat format, Bytes size, const OpContext& op) const {
  const OpenedFile target(disk, OpenedFile::Access::write);
  require_success(run_confined(sandbox_, {&target}, target.owner(), limits_of_changing(size),
                               {.argv = grow_argv(format, size)}, op),
                  "grow the disk");
}

}  // namespace basecache::qemu
