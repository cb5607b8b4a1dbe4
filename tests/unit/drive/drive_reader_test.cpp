#include "backends/drive/drive_reader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "backends/drive/drive_files.hpp"
#include "backends/drive/iso9660_writer.hpp"
#include "backends/drive/vfat_writer.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::test;
using drive::read_drive;
using drive::ReadDrive;
using metadata::DriveContents;
using model::DriveFormat;

namespace {

namespace fs = boost::filesystem;

// By their paths, as they are read.
const DriveContents kContents{
    {"TOP", "level"},
    {"content/\xc3\xa9t\xc3\xa9", "summer"},
    {"ec2/2009-04-04/meta-data.json", std::string(2048, 'e')},
    {"openstack/content/0000", std::string(5000, '\0') + "binary\n"},
    {"openstack/latest/meta_data.json", "{\"uuid\": \"x\"}"},
    {"openstack/latest/user_data", ""},
    {"openstack/latest/vendor_data.json", "1"},
    {"openstack/latest/vendor_data2.json", "2"},
};

// Programs that make media take names for what their locale says; the tests have none.
DriveContents without_accents() {
  DriveContents contents = kContents;
  std::erase_if(contents, [](const metadata::DriveFile& file) { return file.path.starts_with("content/"); });
  return contents;
}

struct Media {
  Media() {
    OpContext op = test_operation();
    drive::Iso9660Writer().write_drive(iso, kContents, op);
    drive::VfatWriter().write_drive(vfat, kContents, op);
  }
  // The contents as files, for other programs to make a medium of.
  Path tree() const {
    const Path top = dir / "tree";
    for (const metadata::DriveFile& file : without_accents()) {
      fs::create_directories((top / file.path).parent_path());
      write_file(top / file.path, file.contents);
    }
    return top;
  }
  ScratchDir dir;
  Path iso = dir / "iso";
  Path vfat = dir / "vfat";
};

void check_contents(const ReadDrive& read, const DriveContents& expected = kContents) {
  REQUIRE(read.files.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(read.files[i].path == expected[i].path);
    CHECK(read.files[i].contents == expected[i].contents);
  }
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// "read", or the code of the refusal; nothing else may happen.
std::string outcome(const std::string& medium) {
  try {
    (void)read_drive(bytes_of(medium));
    return "read";
  } catch (const Error& error) {
    return std::string(name_of(error.code()));
  }
}

void put(std::string& medium, std::size_t offset, std::string_view bytes) {
  medium.replace(offset, bytes.size(), bytes);
}

}  // namespace

TEST_CASE("both media are read as they were written") {
  const Media media;
  const ReadDrive iso = read_drive(media.iso);
  CHECK(iso.format == DriveFormat::iso9660);
  CHECK(iso.label == "config-2");
  check_contents(iso);
  const ReadDrive vfat = read_drive(media.vfat);
  CHECK(vfat.format == DriveFormat::vfat);
  CHECK(vfat.label == "config-2");
  check_contents(vfat);
}

TEST_CASE("a disc with names of Joliet alone, as other programs make it, is read") {
  const Media media;
  const Path made = media.dir / "joliet";
  run_tool({"xorriso", "-as", "mkisofs", "-quiet", "-J", "-V", "config-2", "--norock", "-o", made.native(),
            media.tree().native()});
  check_contents(read_drive(made), without_accents());
}

TEST_CASE("a disc with long names of Rock Ridge that go on elsewhere is read") {
  const Media media;
  const DriveContents contents{{std::string(240, 'n'), "a long name"}};
  const Path made = media.dir / "long";
  fs::create_directory(media.dir / "names");
  write_file(media.dir / "names" / contents[0].path, contents[0].contents);
  run_tool({"xorriso", "-as", "mkisofs", "-quiet", "-r", "-o", made.native(), (media.dir / "names").native()});
  check_contents(read_drive(made), contents);
}

TEST_CASE("a disc with names of ISO 9660 alone is read as Linux reads it") {
  const Media media;
  const Path made = media.dir / "plain";
  fs::create_directory(media.dir / "names");
  write_file(media.dir / "names" / "readme.txt", "text");
  run_tool({"xorriso", "-as", "mkisofs", "-quiet", "--norock", "-o", made.native(), (media.dir / "names").native()});
  check_contents(read_drive(made), {{"readme.txt", "text"}});
}

TEST_CASE("disks that mkfs.vfat and mtools have made are read, FAT12, FAT16 and FAT32") {
  const Media media;
  const Path tree = media.tree();
  const struct {
    const char* bits;
    const char* cluster_sectors;
    std::uint64_t size;
  } rows[] = {{"12", "1", 1 << 20}, {"16", "4", 64 << 20}, {"32", "1", 40 << 20}};
  for (const auto& row : rows) {
    CAPTURE(row.bits);
    const Path made = media.dir / (std::string("fat") + row.bits);
    write_file(made, "");
    fs::resize_file(made, row.size);
    run_tool({"mkfs.vfat", "-F", row.bits, "-s", row.cluster_sectors, "-n", "CONFIG-2", made.native()});
    for (const char* top : {"ec2", "openstack", "TOP"}) {
      run_tool({"mcopy", "-s", "-i", made.native(), (tree / top).native(), "::"});
    }
    const ReadDrive read = read_drive(made);
    CHECK(read.label == "CONFIG-2");
    check_contents(read, without_accents());
  }
}

TEST_CASE("what is no config drive is refused") {
  for (const std::string& medium : {std::string(), std::string("short"), std::string(65536, '\0'),
                                    std::string(512, 'x'), std::string(40000, '\xeb')}) {
    CHECK(outcome(medium) == "image_unacceptable");
  }
  const ScratchDir dir;
  CHECK_THROWS_WITH_AS(read_drive(dir / "missing"), doctest::Contains("there is no file"), Error);
  write_file(dir / "large", "");
  fs::resize_file(dir / "large", (64 << 20) + 1);
  CHECK_THROWS_WITH_AS(read_drive(dir / "large"), doctest::Contains("larger than 64 MiB"), Error);
}

TEST_CASE("a medium that was cut off is refused, or what is left of it is whole") {
  const Media media;
  const std::string iso = read_file(media.iso);
  for (std::size_t length = 0; length < iso.size(); length += 1024) {
    const std::string result = outcome(iso.substr(0, length));
    CHECK((result == "image_unacceptable" || (result == "read" && length > 64 * 1024)));
  }
  std::string vfat = read_file(media.vfat);
  vfat.resize(vfat.size() - 1);
  CHECK(outcome(vfat) == "image_unacceptable");
}

TEST_CASE("a chain of clusters that leads back, into another file or out of the disk is refused") {
  const Media media;
  const std::string vfat = read_file(media.vfat);
  constexpr std::size_t kTable = 4 * 512;
  // Cluster 2 is the first directory's that was laid out; the files' are behind it.
  for (const std::string_view entry : {std::string_view("\x02\x00", 2), std::string_view("\x03\x00", 2),
                                       std::string_view("\x00\x00", 2), std::string_view("\xf0\xff", 2)}) {
    std::string broken = vfat;
    put(broken, kTable + 2 * 2, entry);
    CHECK(outcome(broken) == "image_unacceptable");
  }
}

TEST_CASE("a directory of a disk that is its own child is refused") {
  const Media media;
  std::string vfat = read_file(media.vfat);
  constexpr std::size_t kClusters = 292 * 512;
  // The entry behind "." and ".." becomes a directory that begins where the one that it is in does.
  std::string entry = "LOOP       \x10" + std::string(20, '\0');
  entry[26] = 2;
  put(vfat, kClusters + 2 * 32, entry);
  CHECK_THROWS_WITH_AS(read_drive(bytes_of(vfat)), doctest::Contains("leads back to itself"), Error);
}

TEST_CASE("a directory of a disc that is its own child is refused") {
  const Media media;
  std::string iso = read_file(media.iso);
  // The root's record tells its block; a directory in it is pointed there.
  const std::string root_block = iso.substr(16 * 2048 + 156 + 2, 4);
  const std::size_t root =
      2048 * (static_cast<unsigned char>(root_block[0]) + 256U * static_cast<unsigned char>(root_block[1]));
  std::size_t record = root;
  for (int dots = 0; dots < 2; ++dots) record += static_cast<unsigned char>(iso[record]);
  put(iso, record + 2, root_block);
  CHECK_THROWS_WITH_AS(read_drive(bytes_of(iso)), doctest::Contains("leads back to itself"), Error);
}

TEST_CASE("names that lead elsewhere are refused") {
  const Media media;
  std::string iso = read_file(media.iso);
  for (std::size_t at = iso.find("user_data"); at != std::string::npos; at = iso.find("user_data", at)) {
    put(iso, at, "../r_data");
  }
  CHECK_THROWS_WITH_AS(read_drive(bytes_of(iso)), doctest::Contains("is no name of a file"), Error);
}

TEST_CASE("more files than a config drive has are refused") {
  DriveContents contents;
  for (int i = 0; i < 4097; ++i) contents.push_back({fmt::format("many/{:04}", i), ""});
  const ScratchDir dir;
  OpContext op = test_operation();
  drive::VfatWriter().write_drive(dir / "vfat", contents, op);
  drive::Iso9660Writer().write_drive(dir / "iso", contents, op);
  CHECK_THROWS_WITH_AS(read_drive(dir / "vfat"), doctest::Contains("more than 4096"), Error);
  CHECK_THROWS_WITH_AS(read_drive(dir / "iso"), doctest::Contains("more than 4096"), Error);
}

TEST_CASE("whatever single byte is wrong, a medium is read or refused") {
  const Media media;
  const std::string iso = read_file(media.iso);
  for (std::size_t at = 16 * 2048; at < 40 * 2048 && at < iso.size(); at += 7) {
    std::string broken = iso;
    broken[at] = static_cast<char>(~broken[at]);
    const std::string result = outcome(broken);
    CHECK((result == "read" || result == "image_unacceptable"));
  }
}

TEST_CASE("names are limited, and count like contents") {
  drive::DriveFiles files;
  CHECK(files.path_in("", std::string(765, 'n')).size() == 765);
  CHECK_THROWS_WITH_AS((void)files.path_in("", std::string(766, 'n')), doctest::Contains("more than 765 bytes"), Error);
  const std::string directory(1 << 20, 'd');
  for (int i = 0; i < 63; ++i) (void)files.path_in(directory, "n");
  CHECK_THROWS_WITH_AS((void)files.path_in(directory, "n"), doctest::Contains("larger than 64 MiB together"), Error);
}

TEST_CASE("what is neither a file nor a block device is refused as that") {
  const ScratchDir dir;
  for (const Path& path : {dir / ".", Path("/dev/zero")}) {
    CHECK_THROWS_WITH_AS((void)read_drive(path), doctest::Contains("neither a file nor a block device"), Error);
  }
}
