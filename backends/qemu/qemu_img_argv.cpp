#include "backends/qemu/qemu_img_argv.hpp"

namespace basecache::qemu {
namespace {

std::string name(model::DiskFormat format) { return std::string(model::qemu_name(format)); }

}  // namespace

std::vector<std::string> describe_argv(const Path& image, model::DiskFormat format) {
  return {"qemu-img", "info", "-f", name(format), "--output=json", image.native()};
}

// -t unsafe: whoever publishes the file syncs it, once; until then there is nothing that a flush would protect. Not
//   -t none: the copy or the boot that follows would read again from the device what was just in memory, and tmpfs
//   has no direct I/O.
// -T writeback: as above, the fetched image is still in memory.
// No -W: writes in disorder fragment the base file that every instance of the image will read.
std::vector<std::string> convert_to_raw_argv(const Path& image, model::DiskFormat format, const Path& raw_file) {
  return {"qemu-img",  "convert", "-p",     "-f",           name(format),     "-O", "raw", "-S", "4k", "-T",
          "writeback", "-t",      "unsafe", image.native(), raw_file.native()};
}

std::vector<std::string> create_overlay_argv(const Path& overlay, const Path& base, model::DiskFormat base_format,
                                             Bytes size) {
  return {"qemu-img",
          "create",
          "-q",
          "-f",
          "qcow2",
          "-b",
          base.native(),
          "-F",
          name(base_format),
          overlay.native(),
          std::to_string(size.count)};
}

std::vector<std::string> grow_argv(const Path& disk, model::DiskFormat format, Bytes size) {
  return {"qemu-img", "resize", "-q", "-f", name(format), disk.native(), std::to_string(size.count)};
}

}  // namespace basecache::qemu
