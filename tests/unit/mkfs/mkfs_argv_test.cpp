#include "backends/mkfs/mkfs_argv.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::mkfs;
using Argv = std::vector<std::string>;

namespace {

ErrorCode refusal_of(const std::string& file_system, const std::string& label) {
  try {
    mkfs_argv("/b/file", file_system, label);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("each file system is made by its own tool, without questions") {
  CHECK(mkfs_argv("/b/f", "ext2", "l") == Argv{"mkfs.ext2", "-q", "-F", "-L", "l", "/b/f"});
  CHECK(mkfs_argv("/b/f", "ext3", "l") == Argv{"mkfs.ext3", "-q", "-F", "-L", "l", "/b/f"});
  CHECK(mkfs_argv("/b/f", "ext4", "l") == Argv{"mkfs.ext4", "-q", "-F", "-L", "l", "/b/f"});
  CHECK(mkfs_argv("/b/f", "xfs", "l") == Argv{"mkfs.xfs", "-q", "-f", "-L", "l", "/b/f"});
  CHECK(mkfs_argv("/b/f", "vfat", "l") == Argv{"mkfs.vfat", "-n", "l", "/b/f"});
  CHECK(mkfs_argv("/b/f", "ntfs", "l") == Argv{"mkfs.ntfs", "-q", "--force", "--quick", "-L", "l", "/b/f"});
  CHECK(mkfs_argv("/b/f", "swap", "l") == Argv{"mkswap", "-L", "l", "/b/f"});
  CHECK(mkswap_argv("/b/f") == Argv{"mkswap", "/b/f"});
}

TEST_CASE("a file system without a label gets none") {
  CHECK(mkfs_argv("/b/f", "ext4", "") == Argv{"mkfs.ext4", "-q", "-F", "/b/f"});
}

TEST_CASE("a label is as long as its file system can hold, and no option") {
  CHECK(mkfs_argv("/b/f", "vfat", "elevenbytes")[2] == "elevenbytes");
  CHECK(refusal_of("vfat", "twelve bytes") == ErrorCode::invalid_request);
  CHECK(refusal_of("xfs", "thirteen byte") == ErrorCode::invalid_request);
  CHECK(refusal_of("ext4", "seventeen bytes !") == ErrorCode::invalid_request);
  CHECK(refusal_of("swap", "sixteen bytes ok") == ErrorCode::invalid_request);
  CHECK(refusal_of("ext4", "-O") == ErrorCode::invalid_request);
}

TEST_CASE("a file system that can't be made is refused, and the hint names the ones that can") {
  for (const char* name : {"", "btrfs", "ext4 ", "../ext4"}) CHECK(refusal_of(name, "") == ErrorCode::invalid_request);
  try {
    mkfs_argv("/b/f", "btrfs", "");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.hint() == "known are: ext2, ext3, ext4, ntfs, swap, vfat, xfs");
  }
}

TEST_CASE("an ephemeral disk has its number in its label, whatever formats it") {
  CHECK(mkfs_argv("/b/f", model::EphemeralBase{1, "xfs"}) == Argv{"mkfs.xfs", "-q", "-f", "-L", "ephemeral0", "/b/f"});
  const auto command = model::MkfsCommand::parse("mkfs.msdos -n %(fs_label)s -F 32 %(target)s").value();
  CHECK(mkfs_argv("/b/f", model::EphemeralBase{1, command, 2}) ==
        Argv{"mkfs.msdos", "-n", "ephemeral2", "-F", "32", "/b/f"});
}

TEST_CASE("the longest label of an ephemeral disk has room in every format") {
  for (const std::string_view format : model::supported_guest_formats()) {
    CAPTURE(format);
    CHECK_NOTHROW(mkfs_argv("/b/f", model::EphemeralBase{1, std::string(format), 99}));
  }
}
