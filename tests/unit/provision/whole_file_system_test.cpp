#include "agent/provision/whole_file_system.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace basecache;
using namespace basecache::provision;

namespace {

constexpr std::size_t kFirstEntry = 446;

bool found_in(const std::string& disk) { return has_partition_table(std::as_bytes(std::span(disk))); }

std::string with(std::string disk, std::size_t at, const std::string& bytes) {
  return disk.replace(at, bytes.size(), bytes);
}

const std::string kEmpty(8192, '\0');
const std::string kSigned = with(kEmpty, 510, "\x55\xaa");
const std::string kLinux("\0\x01\x01\0\x83", 5);
const std::string kBootable("\x80\x01\x01\0\x83", 5);

}  // namespace

TEST_CASE("a boot record with a partition is a partition table") {
  CHECK(found_in(with(kSigned, kFirstEntry, kLinux)));
  CHECK(found_in(with(kSigned, kFirstEntry, kBootable)));
  CHECK(found_in(with(kSigned, kFirstEntry + 48, kLinux)));
  CHECK(found_in(with(kSigned, kFirstEntry, kLinux).substr(0, 512)));
}

TEST_CASE("a GUID table is one, whatever its block size and whether or not its boot record is left") {
  CHECK(found_in(with(kEmpty, 512, "EFI PART")));
  CHECK(found_in(with(kEmpty, 4096, "EFI PART")));
}

TEST_CASE("a file system is none, with or without a boot sector") {
  CHECK_FALSE(found_in(kEmpty));
  CHECK_FALSE(found_in(kSigned));
  CHECK_FALSE(found_in(with(kEmpty, 1024 + 56, "\x53\xef")));
  CHECK_FALSE(found_in(with(kEmpty, kFirstEntry, kLinux)));
  CHECK_FALSE(found_in(with(kSigned, 400, std::string(110, 'x'))));  // FAT's code and text
  CHECK_FALSE(found_in(""));
}
