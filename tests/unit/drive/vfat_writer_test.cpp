#include "backends/drive/vfat_writer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/drive/drive_reader.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::test;
using metadata::DriveContents;

namespace {

namespace fs = boost::filesystem;

const DriveContents kContents{
    {"openstack/latest/meta_data.json", "{\"uuid\": \"x\"}"},
    {"openstack/latest/vendor_data.json", "{\"a\": 1}"},
    {"openstack/latest/vendor_data2.json", "{\"b\": 2}"},
    {"openstack/2012-08-10/meta_data.json", "{}"},
    {"openstack/content/0000", std::string(5000, '\0') + "binary\n"},
    {"openstack/latest/user_data", ""},
    {"ec2/2009-04-04/meta-data.json", std::string(2048, 'e')},
    {"ec2/latest/meta-data.json", std::string(2049, 'f')},
    {"TOP", "level"},
};

struct Drive {
  void write(const DriveContents& contents) {
    OpContext op = test_operation(stop.get_token());
    drive::VfatWriter().write_drive(file, contents, op);
  }
  // Everything on it, as mtools and fsck see it.
  void check_read_back(const DriveContents& contents) const {
    run_tool({"fsck.vfat", "-n", file.native()});
    const Path out = dir / "out";
    fs::create_directory(out);
    run_tool({"mcopy", "-s", "-n", "-i", file.native(), "::*", out.native()});
    for (const metadata::DriveFile& one : contents) {
      CAPTURE(one.path);
      CHECK(read_file(out / one.path) == one.contents);
    }
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(out))
      count += fs::is_regular_file(entry.path()) ? 1U : 0U;
    CHECK(count == contents.size());
  }
  std::string refusal_of(const DriveContents& contents) {
    try {
      write(contents);
    } catch (const Error& error) {
      return std::string(name_of(error.code())) + ": " + error.message();
    }
    return "";
  }
  ScratchDir dir;
  Path file = dir / "disk.config";
  std::stop_source stop;
};

std::string label_of(const Path& file, const char* tag) {
  return run_tool({"blkid", "-p", "-s", tag, "-o", "value", file.native()});
}

}  // namespace

TEST_CASE("a vfat drive holds every file under its path with its bytes") {
  Drive drive;
  drive.write(kContents);
  drive.check_read_back(kContents);
}

TEST_CASE("a vfat drive is of 64 MiB, with holes where nothing stands, and found by its label") {
  Drive drive;
  drive.write(kContents);
  const FileSizes sizes = sizes_of(drive.file);
  CHECK(sizes.apparent == mebibytes(64));
  CHECK(sizes.allocated < kibibytes(256));
  CHECK(label_of(drive.file, "TYPE") == "vfat\n");
  CHECK(label_of(drive.file, "LABEL") == "config-2\n");
  CHECK(label_of(drive.file, "LABEL_FATBOOT") == "config-2\n");
  CHECK(label_of(drive.file, "VERSION") == "FAT16\n");
}

TEST_CASE("names are as they were given, not in upper case") {
  Drive drive;
  drive.write(kContents);
  CHECK(run_tool({"mdir", "-b", "-/", "-i", drive.file.native(), "::"}) ==
        "::/ec2/\n::/openstack/\n::/TOP\n::/ec2/2009-04-04/\n::/ec2/latest/\n::/ec2/2009-04-04/meta-data.json\n"
        "::/ec2/latest/meta-data.json\n::/openstack/2012-08-10/\n::/openstack/content/\n::/openstack/latest/\n"
        "::/openstack/2012-08-10/meta_data.json\n::/openstack/content/0000\n::/openstack/latest/meta_data.json\n"
        "::/openstack/latest/user_data\n::/openstack/latest/vendor_data.json\n"
        "::/openstack/latest/vendor_data2.json\n");
}

TEST_CASE("the same contents make the same vfat bytes") {
  Drive first;
  Drive second;
  first.write(kContents);
  second.write(kContents);
  CHECK(read_file(first.file) == read_file(second.file));
}

TEST_CASE("files of sizes about a cluster's, many names that are alike, and deep directories are read back") {
  DriveContents contents;
  for (const std::size_t size : {0U, 1U, 2047U, 2048U, 2049U, 4096U, 4097U, 100'000U}) {
    contents.push_back({fmt::format("sizes/file-of-{}", size), std::string(size, 's')});
  }
  // More than one cluster of entries, and numbers of two and three digits in the short names.
  for (int i = 0; i < 150; ++i) {
    contents.push_back({fmt::format("many/injected_file-{}.json", i), fmt::format("file {}", i)});
  }
  std::string path;
  for (int i = 0; i < 12; ++i) path += fmt::format("directory-{}/", i);
  contents.push_back({path + "deep", "down"});
  contents.push_back({std::string(255, 'n'), "a long name"});
  Drive drive;
  drive.write(contents);
  drive.check_read_back(contents);
}

TEST_CASE("a vfat drive may be empty, and as full as it gets") {
  Drive empty;
  empty.write({});
  run_tool({"fsck.vfat", "-n", empty.file.native()});
  CHECK(label_of(empty.file, "LABEL") == "config-2\n");
  constexpr std::size_t kClusters = 32695;  // what mkfs.vfat has on 64 MiB
  Drive full;
  full.write({{"all", std::string(kClusters * 2048, 'a')}});
  run_tool({"fsck.vfat", "-n", full.file.native()});
  Drive over;
  CHECK(
      over.refusal_of({{"all", std::string(kClusters * 2048 + 1, 'a')}}).find("invalid_request: the files don't fit") ==
      0);
  CHECK_FALSE(fs::exists(over.file));
}

TEST_CASE("more names than the first directory has room for are refused") {
  DriveContents contents;
  for (int i = 0; i < 511; ++i) contents.push_back({fmt::format("{:03}", i), ""});
  Drive drive;
  drive.write(contents);
  drive.check_read_back(contents);
  contents.push_back({"511", ""});
  Drive over;
  CHECK(over.refusal_of(contents).find("invalid_request: there are more names") == 0);
}

TEST_CASE("paths that lead elsewhere, come twice, or can't be told apart are refused") {
  for (const char* path : {"", "/", "/absolute", "a//b", "a/", "..", "../a", "a/../b", "./a", "a/.", "a:b", "a."}) {
    CAPTURE(path);
    Drive drive;
    CHECK(drive.refusal_of({{path, "x"}}).find("invalid_request: ") == 0);
    CHECK_FALSE(fs::exists(drive.file));
  }
  Drive drive;
  CHECK(drive.refusal_of({{"a/b", "1"}, {"a/b", "2"}}).find("invalid_request: ") == 0);
  CHECK(drive.refusal_of({{"a", "a file"}, {"a/b", "2"}}).find("invalid_request: ") == 0);
  CHECK(drive.refusal_of({{"a/b", "2"}, {"a", "a file"}}).find("invalid_request: ") == 0);
  CHECK(drive.refusal_of({{"a/b", "1"}, {"a/B", "2"}}).find("upper from lower case") != std::string::npos);
}

TEST_CASE("names outside ASCII survive on vfat") {
  const DriveContents contents{{"content/\xc3\xa9t\xc3\xa9 \xe2\x82\xac", "summer"},
                               {"content/\xf0\x9f\x98\x80", "smile"}};
  Drive drive;
  drive.write(contents);
  run_tool({"fsck.vfat", "-n", drive.file.native()});
  const drive::ReadDrive read = drive::read_drive(drive.file);
  REQUIRE(read.files.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(read.files[i].path == contents[i].path);
}

TEST_CASE("nothing that is there is written over, and a cancelled vfat drive is not made") {
  Drive drive;
  write_file(drive.file, "somebody's");
  CHECK_THROWS_AS(drive.write(kContents), Error);
  CHECK(read_file(drive.file) == "somebody's");
  Drive cancelled;
  cancelled.stop.request_stop();
  CHECK_THROWS_AS(cancelled.write(kContents), Cancelled);
  CHECK_FALSE(fs::exists(cancelled.file));
}
