#include "backends/qemu/qemu_img_argv.hpp"

#include <doctest/doctest.h>

using namespace basecache;
using namespace basecache::qemu;
using model::DiskFormat;
using Argv = std::vector<std::string>;

TEST_CASE("an image is described as the format it is, not as one that QEMU guesses") {
  CHECK(describe_argv(DiskFormat::vpc) == Argv{"qemu-img", "info", "-f", "vpc", "--output=json", "/dev/fd/3"});
}

TEST_CASE("a conversion names both formats and keeps holes") {
  CHECK(convert_to_raw_argv(DiskFormat::qcow2) == Argv{"qemu-img", "convert", "-p", "-n", "--target-is-zero", "-f",
                                                       "qcow2", "-O", "raw", "-S", "4k", "-T", "writeback", "-t",
                                                       "unsafe", "/dev/fd/3", "/dev/fd/4"});
}

TEST_CASE("a resize names the format of the disk, and opens no other file") {
  CHECK(grow_argv(DiskFormat::qcow2, mebibytes(1)) ==
        Argv{"qemu-img", "resize", "-q",
             R"(json:{"driver":"qcow2","file":{"driver":"file","filename":"/dev/fd/3"},"backing":null})", "1048576"});
  CHECK(grow_argv(DiskFormat::raw, mebibytes(1)) ==
        Argv{"qemu-img", "resize", "-q", R"(json:{"driver":"raw","file":{"driver":"file","filename":"/dev/fd/3"}})",
             "1048576"});
}
