#include "backends/mkfs/mkfs_formatter.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <cstdlib>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

struct Blank {
  explicit Blank(Bytes size) {
    write_file(file, "");
    boost::filesystem::resize_file(file, size.count);
  }
  std::string tag(const std::string& name) const {
    return run_tool({"blkid", "-p", "-s", name, "-o", "value", file.native()});
  }
  ScratchDir dir;
  Path file = dir / "blank";
  mkfs::MkfsFormatter formatter;
};

// An empty PATH while it lives.
class NoPrograms {
 public:
  NoPrograms() { ::setenv("PATH", "/nonexistent", 1); }
  ~NoPrograms() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_ = std::getenv("PATH");
};

}  // namespace

TEST_CASE("a blank file becomes what it is to be with the label, still sparse and of its size") {
  for (const std::string name : {"ext2", "ext3", "ext4", "vfat", "xfs", "swap"}) {
    CAPTURE(name);
    Blank blank(gibibytes(1));
    OpContext op = test_operation();
    blank.formatter.format_ephemeral(blank.file, {1, name, 7}, op);
    CHECK(blank.tag("TYPE") == name + "\n");
    CHECK(blank.tag("LABEL") == "ephemeral7\n");
    CHECK(sizes_of(blank.file).apparent == gibibytes(1));
    CHECK(sizes_of(blank.file).allocated < mebibytes(100));
  }
}

TEST_CASE("a new ext4 is found clean by e2fsck") {
  Blank blank(mebibytes(64));
  OpContext op = test_operation();
  blank.formatter.format_ephemeral(blank.file, {1, "ext4"}, op);
  CHECK_NOTHROW(run_tool({"e2fsck", "-fn", blank.file.native()}));
}

TEST_CASE("a blank file becomes swap space") {
  Blank blank(mebibytes(256));
  OpContext op = test_operation();
  blank.formatter.format_swap(blank.file, op);
  CHECK(blank.tag("TYPE") == "swap\n");
  CHECK(sizes_of(blank.file).apparent == mebibytes(256));
  CHECK(sizes_of(blank.file).allocated < mebibytes(1));
}

TEST_CASE("a file too small for its file system is the tool's failure, in its words") {
  Blank blank(kibibytes(4));
  OpContext op = test_operation();
  try {
    blank.formatter.format_ephemeral(blank.file, {1, "xfs"}, op);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::tool_failed);
    CHECK(error.message().starts_with("cannot make an empty xfs file system: mkfs.xfs exited with 1: "));
  }
}

TEST_CASE("the operator's command is run as it is") {
  Blank blank(mebibytes(64));
  OpContext op = test_operation();
  const auto command = model::MkfsCommand::parse("mkfs.vfat -n LABEL%(fs_label)s -i 12345678 %(target)s").value();
  CHECK_THROWS_AS(blank.formatter.format_ephemeral(blank.file, {1, command}, op), Error);  // too long for vfat
  const auto shorter = model::MkfsCommand::parse("mkfs.vfat -n %(fs_label)s -i 12345678 %(target)s").value();
  blank.formatter.format_ephemeral(blank.file, {1, shorter, 3}, op);
  CHECK(blank.tag("UUID") == "1234-5678\n");
  CHECK(blank.tag("LABEL") == "ephemeral3\n");
}

TEST_CASE("a command that fails is told in its own words") {
  Blank blank(kibibytes(4));
  OpContext op = test_operation();
  const auto command = model::MkfsCommand::parse("ls %(target)s/nothing").value();
  try {
    blank.formatter.format_ephemeral(blank.file, {1, command}, op);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::tool_failed);
    CHECK(error.message().starts_with("cannot make an empty ephemeral disk: ls exited with 2: "));
  }
}

TEST_CASE("a missing tool is named together with the package that holds it") {
  Blank blank(mebibytes(64));
  OpContext op = test_operation();
  const NoPrograms none;
  try {
    blank.formatter.format_ephemeral(blank.file, {1, "ntfs"}, op);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::tool_failed);
    CHECK(error.message().find("mkfs.ntfs") != std::string::npos);
    CHECK(error.hint().find("ntfs-3g") != std::string::npos);
  }
}
