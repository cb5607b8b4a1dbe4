#include "backends/qemu/qemu_img_argv.hpp"

#include "backends/sandbox/confined_run.hpp"

namespace basecache::qemu {
namespace {

using sandbox::descriptor_path;

std::string name(model::DiskFormat format) { return std::string(model::qemu_name(format)); }

}  // namespace

std::vector<std::string> describe_argv(model::DiskFormat format) {
  return {"qemu-img", "info", "-f", name(format), "--output=json", descriptor_path(0)};
}

// -t unsafe: whoever publishes the file syncs it, once; until then there is nothing that a flush would protect. Not
//   -t none: the copy or the boot that follows would read again from the device what was just in memory, and tmpfs
//   has no direct I/O.
// -T writeback: as above, the fetched image is still in memory.
// No -W: writes in disorder fragment the base file that every instance of the image will read.
std::vector<std::string> convert_to_raw_argv(model::DiskFormat format) {
  return {"qemu-img",
          "convert",
          "-p",
          "-n",
          "--target-is-zero",
          "-f",
          name(format),
          "-O",
          "raw",
          "-S",
          "4k",
          "-T",
          "writeback",
          "-t",
          "unsafe",
          descriptor_path(0),
          descriptor_path(1)};
}

std::vector<std::string> grow_argv(model::DiskFormat format, Bytes size) {
  const std::string file = R"("file":{"driver":"file","filename":")" + descriptor_path(0) + R"("})";
  const std::string backing = format == model::DiskFormat::qcow2 ? R"(,"backing":null)" : "";
  return {"qemu-img", "resize", "-q", R"(json:{"driver":")" + name(format) + "\"," + file + backing + "}",
          std::to_string(size.count)};
}

}  // namespace basecache::qemu
