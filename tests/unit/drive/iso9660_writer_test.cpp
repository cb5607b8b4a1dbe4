#include "backends/drive/iso9660_writer.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <thread>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::test;
using drive::Iso9660Writer;
using metadata::DriveContents;

namespace {

const DriveContents kContents{
    {"openstack/latest/meta_data.json", "{\"uuid\": \"x\"}"},         {"openstack/2012-08-10/meta_data.json", "{}"},
    {"openstack/content/0000", std::string(5000, '\0') + "binary\n"}, {"openstack/latest/user_data", ""},
    {"ec2/2009-04-04/meta-data.json", std::string(2048, 'e')},
};

struct Drive {
  void write(const DriveContents& contents) {
    OpContext op = test_operation(stop.get_token());
    writer.write_drive(file, contents, op);
  }
  // Runs xorriso on the drive, quietly.
  std::string xorriso(std::vector<std::string> commands) const {
    std::vector<std::string> argv{"xorriso", "-no_rc", "-report_about", "SORRY", "-indev", file.native()};
    argv.insert(argv.end(), commands.begin(), commands.end());
    return run_tool(argv);
  }
  ErrorCode refusal_of(const DriveContents& contents) {
    try {
      write(contents);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::in_use;
  }
  ScratchDir dir;
  Path file = dir / "disk.config";
  Iso9660Writer writer;
  std::stop_source stop;
};

}  // namespace

TEST_CASE("a drive holds every file under its path with its bytes") {
  Drive drive;
  drive.write(kContents);
  const Path out = drive.dir / "out";
  drive.xorriso({"-osirrox", "on", "-extract", "/", out.native()});
  for (const metadata::DriveFile& one : kContents) {
    CAPTURE(one.path);
    CHECK(read_file(out / one.path) == one.contents);
  }
  CHECK(drive.xorriso({"-find", "/", "-type", "f"}) ==
        "'/ec2/2009-04-04/meta-data.json'\n'/openstack/2012-08-10/meta_data.json'\n'/openstack/content/0000'\n"
        "'/openstack/latest/meta_data.json'\n'/openstack/latest/user_data'\n");
}

TEST_CASE("a guest finds the drive by its label") {
  Drive drive;
  drive.write(kContents);
  CHECK(run_tool({"blkid", "-p", "-s", "TYPE", "-o", "value", drive.file.native()}) == "iso9660\n");
  CHECK(run_tool({"blkid", "-p", "-s", "LABEL", "-o", "value", drive.file.native()}) == "config-2\n");
  // The identifier of the primary descriptor, as it stands on the medium.
  CHECK(read_file(drive.file).substr(16 * 2048 + 40, 32) == "config-2" + std::string(24, ' '));
}

TEST_CASE("the names are there for readers of Joliet too") {
  Drive drive;
  drive.write(kContents);
  const Path out = drive.dir / "out";
  run_tool({"xorriso", "-no_rc", "-report_about", "SORRY", "-read_fs", "norock", "-indev", drive.file.native(),
            "-osirrox", "on", "-extract", "/openstack/latest", out.native()});
  CHECK(read_file(out / "meta_data.json") == "{\"uuid\": \"x\"}");
}

TEST_CASE("files and directories are root's and readable by all") {
  Drive drive;
  drive.write(kContents);
  const std::string listed = drive.xorriso({"-find", "/", "-exec", "lsdl"});
  CHECK(listed.find("-rw-r--r--    1 0        0") != std::string::npos);
  CHECK(listed.find("drwxr-xr-x    1 0        0") != std::string::npos);
}

TEST_CASE("the same contents make the same bytes") {
  Drive first;
  Drive second;
  first.write(kContents);
  second.write(kContents);
  CHECK(read_file(first.file) == read_file(second.file));
}

TEST_CASE("a drive may be empty, and may be large") {
  Drive empty;
  empty.write({});
  CHECK(run_tool({"blkid", "-p", "-s", "LABEL", "-o", "value", empty.file.native()}) == "config-2\n");
  Drive large;
  const std::string megabytes(9'000'001, 'm');
  large.write({{"openstack/content/0000", megabytes}});
  large.xorriso({"-osirrox", "on", "-extract", "/openstack/content/0000", (large.dir / "out").native()});
  CHECK(read_file(large.dir / "out") == megabytes);
}

TEST_CASE("names outside ASCII survive") {
  Drive drive;
  drive.write({{"openstack/content/\xc3\xa9t\xc3\xa9", "summer"}});
  drive.xorriso({"-osirrox", "on", "-extract", "/openstack", (drive.dir / "out").native()});
  CHECK(read_file(drive.dir / "out" / "content" / "\xc3\xa9t\xc3\xa9") == "summer");
}

TEST_CASE("a path that leads elsewhere, or comes twice, is refused") {
  for (const char* path : {"", "/", "/absolute", "a//b", "a/", "..", "../a", "a/../b", "./a", "a/."}) {
    CAPTURE(path);
    Drive drive;
    CHECK(drive.refusal_of({{path, "x"}}) == ErrorCode::invalid_request);
    CHECK_FALSE(boost::filesystem::exists(drive.file));
  }
  Drive drive;
  CHECK(drive.refusal_of({{"a/b", "1"}, {"a/b", "2"}}) == ErrorCode::invalid_request);
  CHECK(drive.refusal_of({{"a", "a file"}, {"a/b", "2"}}) == ErrorCode::invalid_request);
}

TEST_CASE("nothing that is there is written over") {
  Drive drive;
  write_file(drive.file, "somebody's");
  CHECK_THROWS_AS(drive.write(kContents), Error);
  CHECK(read_file(drive.file) == "somebody's");
}

TEST_CASE("a drive that can't be written whole is an error, and the next one is fine") {
  Drive drive;
  const Path file = drive.file;
  drive.file = "/dev/full/not-a-directory";
  CHECK_THROWS_AS(drive.write(kContents), Error);
  drive.file = file;
  drive.write(kContents);
  CHECK(boost::filesystem::exists(file));
}

TEST_CASE("a drive that is cancelled is not made") {
  Drive drive;
  drive.stop.request_stop();
  CHECK_THROWS_AS(drive.write(kContents), Cancelled);
  CHECK_FALSE(boost::filesystem::exists(drive.file));
}

TEST_CASE("several threads may ask one writer") {
  Drive drive;
  const auto write = [&](const Path& file) {
    OpContext op = test_operation();
    drive.writer.write_drive(file, kContents, op);
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(write, drive.dir / ("drive" + std::to_string(i)));
  }
  const std::string first = read_file(drive.dir / "drive0");
  for (int i = 1; i < 4; ++i) CHECK(read_file(drive.dir / ("drive" + std::to_string(i))) == first);
}
