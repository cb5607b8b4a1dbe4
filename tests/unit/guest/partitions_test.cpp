#include "backends/guest/partitions.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"
#include "backends/guest/root_partition.hpp"
#include "backends/guest/unsupported_file_system.hpp"
#include "tests/unit/guest/guest_image.hpp"

using namespace basecache;
using namespace basecache::guest;
using namespace basecache::test;

namespace {

// A disk of 64 MiB with a table by sfdisk(8).
struct Disk {
  explicit Disk(const std::string& table) {
    write_file(path, "");
    boost::filesystem::resize_file(path, kSize);
    write_file(scratch / "table", table);
    run_tool({"sh", "-c", "sfdisk -q " + path.native() + " < " + (scratch / "table").native()});
  }
  void put(const Path& file, std::uint64_t offset) const {
    run_tool({"dd", "if=" + file.native(), "of=" + path.native(), "bs=512", "conv=notrunc", "status=none",
              "seek=" + std::to_string(offset / 512)});
  }
  void patch(std::uint64_t at, const std::string& bytes) const {
    const UniqueFd fd = open_file(path, O_WRONLY);
    write_all_at(fd.get(), std::as_bytes(std::span(bytes)), at, path);
  }
  std::vector<Partition> partitions() const {
    const UniqueFd fd = open_file(path, O_RDONLY);
    return read_partitions(DiskView(fd.get(), kSize));
  }
  Partition root(int number) const {
    const UniqueFd fd = open_file(path, O_RDONLY);
    return root_partition(DiskView(fd.get(), kSize), number);
  }

  static constexpr std::uint64_t kSize = 64 << 20;
  ScratchDir scratch;
  Path path = scratch / "disk";
};

std::vector<std::string> text_of(const std::vector<Partition>& partitions) {
  std::vector<std::string> lines;
  for (const Partition& one : partitions) {
    lines.push_back(std::to_string(one.number) + ": " + std::to_string(one.offset / 512) + "+" +
                    std::to_string(one.size / 512));
  }
  return lines;
}

using Lines = std::vector<std::string>;

const std::string kMbr = "label: dos\nstart=2048,size=2048\nstart=4096,size=4096,type=82\n";
const std::string kExtended =
    "label: dos\n1: start=2048,size=2048\n3: start=8192,size=32768,type=5\n5: start=10240,size=2048\n6: "
    "start=14336,size=4096\n";
const std::string kGpt = "label: gpt\n1: start=2048,size=2048\n4: start=8192,size=16384\n";

}  // namespace

TEST_CASE("partitions are found and counted as Linux counts them") {
  CHECK(text_of(Disk(kMbr).partitions()) == Lines{"1: 2048+2048", "2: 4096+4096"});
  CHECK(text_of(Disk(kExtended).partitions()) == Lines{"1: 2048+2048", "5: 10240+2048", "6: 14336+4096"});
  CHECK(text_of(Disk(kGpt).partitions()) == Lines{"1: 2048+2048", "4: 8192+16384"});
}

TEST_CASE("a record without a partition takes no number") {
  const Disk disk(kExtended);
  disk.patch(8192 * 512 + 446, std::string(16, '\0'));
  CHECK(text_of(disk.partitions()) == Lines{"1: 2048+2048", "5: 14336+4096"});
}

TEST_CASE("a GUID table counts only where the boot record says that there is one") {
  const Disk disk(kGpt);
  disk.patch(446 + 4, std::string("\x83\0\0\0\0\x10\0\0\0\x10\0\0", 12));
  CHECK(text_of(disk.partitions()) == Lines{"1: 4096+4096"});
}

TEST_CASE("a disk without a table has none") {
  const GuestImage guest;
  const UniqueFd fd = open_file(guest.image, O_RDONLY);
  CHECK(read_partitions(DiskView(fd.get(), 32 << 20)).empty());
  CHECK(read_partitions(DiskView(fd.get(), 511)).empty());
}

TEST_CASE("tables that lie are believed nothing") {
  SUBCASE("a partition beyond the disk") {
    const Disk disk(kMbr);
    disk.patch(446 + 12, "\xff\xff\xff\xff");
    CHECK(text_of(disk.partitions()) == Lines{"2: 4096+4096"});
  }
  SUBCASE("a chain that leads back to itself") {
    const Disk disk(kExtended);
    const std::string to_itself("\0\0\0\0\x05\0\0\0\x08\0\0\0\0\x08\0\0", 16);
    disk.patch(8192 * 512 + 446 + 16, to_itself);
    disk.patch(8200 * 512 + 446 + 16, to_itself);
    disk.patch(8200 * 512 + 446, std::string("\0\0\0\0\x83\0\0\0\x08\0\0\0\0\x08\0\0", 16));
    disk.patch(8200 * 512 + 510, "\x55\xaa");
    CHECK(disk.partitions().size() <= 61);
  }
  SUBCASE("a GUID table far away, with entries too small or too many") {
    for (const auto& [at, bytes] : {std::pair{72, std::string(8, '\xff')}, std::pair{84, std::string("\1\0\0\0", 4)},
                                    std::pair{84, std::string(4, '\xff')}}) {
      const Disk disk(kGpt);
      disk.patch(512 + static_cast<std::uint64_t>(at), bytes);
      CHECK(disk.partitions().empty());
    }
    const Disk disk(kGpt);
    disk.patch(512 + 80, std::string(4, '\xff'));
    CHECK(disk.partitions().size() >= 2);
  }
  SUBCASE("a partition that ends before it begins") {
    const Disk disk(kGpt);
    disk.patch(1024 + 40, std::string(8, '\0'));
    CHECK(text_of(disk.partitions()) == Lines{"4: 8192+16384"});
  }
}

TEST_CASE("the root file system is the first with an /etc, or the one that is named") {
  const GuestImage root({"mkfs.ext4"}, mebibytes(8));
  const GuestImage boot({"mkfs.ext4"}, Bytes{1 << 20});
  boot.debugfs("rm /etc/passwd", true);
  boot.debugfs("rm /etc/shadow", true);
  boot.debugfs("rmdir /etc", true);
  const Disk disk(kGpt);
  disk.put(boot.image, 2048 * 512);
  CHECK_THROWS_AS((void)disk.root(-1), UnsupportedFileSystem);
  disk.put(root.image, 8192 * 512);
  CHECK(disk.root(-1).number == 4);
  CHECK(disk.root(4).offset == 8192 * 512);
  CHECK(disk.root(1).number == 1);
  CHECK(disk.root(0).size == Disk::kSize);
  CHECK_THROWS_AS((void)disk.root(2), Error);
  const UniqueFd bare = open_file(root.image, O_RDONLY);
  CHECK(root_partition(DiskView(bare.get(), 8 << 20), -1).number == 0);
}

TEST_CASE("a root that can't be read here isn't passed over for the next one") {
  const GuestImage root({"mkfs.ext4"}, mebibytes(8));
  const GuestImage unclean({"mkfs.ext4"}, Bytes{1 << 20});
  const Disk disk(kGpt);
  disk.put(unclean.image, 2048 * 512);
  disk.put(root.image, 8192 * 512);
  CHECK(disk.root(-1).number == 1);
  unclean.debugfs("ssv state 0", true);
  disk.put(unclean.image, 2048 * 512);
  CHECK_THROWS_AS((void)disk.root(-1), UnsupportedExt);
}
