#include "backends/qemu/qemu_img_argv.hpp"

#include <doctest/doctest.h>

using namespace basecache;
using namespace basecache::qemu;
using model::DiskFormat;
using Argv = std::vector<std::string>;

TEST_CASE("an image is described as the format it is, not as one that QEMU guesses") {
  CHECK(describe_argv("/b/image", DiskFormat::vpc) ==
        Argv{"qemu-img", "info", "-f", "vpc", "--output=json", "/b/image"});
}

TEST_CASE("a conversion names both formats and keeps holes") {
  CHECK(convert_to_raw_argv("/b/k.part", DiskFormat::qcow2, "/b/k.converted") ==
        Argv{"qemu-img", "convert", "-p", "-f", "qcow2", "-O", "raw", "-S", "4k", "-T", "writeback", "-t", "unsafe",
             "/b/k.part", "/b/k.converted"});
}

TEST_CASE("an overlay names the format of its backing file") {
  CHECK(create_overlay_argv("/i/disk", "/b/k", DiskFormat::raw, gibibytes(4)) ==
        Argv{"qemu-img", "create", "-q", "-f", "qcow2", "-b", "/b/k", "-F", "raw", "/i/disk", "4294967296"});
}

TEST_CASE("a resize names the format of the disk") {
  CHECK(grow_argv("/i/disk", DiskFormat::qcow2, mebibytes(1)) ==
        Argv{"qemu-img", "resize", "-q", "-f", "qcow2", "/i/disk", "1048576"});
}
