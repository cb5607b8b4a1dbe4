#include "backends/guest/disk_changes.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "tests/unit/guest/guest_image.hpp"

using namespace basecache;
using namespace basecache::guest;
using namespace basecache::test;

namespace {

constexpr std::size_t kPage = ChangedPages::kPage;

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char letter) { return static_cast<std::byte>(letter); });
  return bytes;
}

// Ten bytes more than two pages of 'a', of which the file has the first.
struct Disk {
  Disk() {
    write_file(path, std::string(kPage, 'a'));
    fd = open_file(path, O_RDONLY);
  }
  std::string read(std::uint64_t at, std::size_t count) const {
    std::string text(count, '?');
    pages.read(at, std::as_writable_bytes(std::span(text)));
    return text;
  }

  ScratchDir scratch;
  Path path = scratch / "disk";
  UniqueFd fd;
  DiskView view{open_file(path, O_RDONLY | O_CREAT, 0600).release(), 2 * kPage + 10};
  ChangedPages pages{view, 2};
};

}  // namespace

TEST_CASE("what is written is read again, and the disk stays as it was") {
  const Disk disk;
  auto& pages = const_cast<ChangedPages&>(disk.pages);
  pages.write(kPage - 2, bytes_of("1234"));
  CHECK(disk.read(kPage - 3, 6) == std::string("a1234\0", 6));
  CHECK(read_file(disk.path) == std::string(kPage, 'a'));
  CHECK(pages.pages().size() == 2);
}

TEST_CASE("writing what is there is no change") {
  Disk disk;
  disk.pages.write(10, bytes_of("aaaa"));
  disk.pages.write(2 * kPage, bytes_of(std::string(10, '\0')));
  CHECK(disk.pages.pages().empty());
}

TEST_CASE("changes have a limit, and stay on the disk") {
  Disk disk;
  disk.pages.write(0, bytes_of("x"));
  disk.pages.write(2 * kPage + 9, bytes_of("y"));
  CHECK_THROWS_AS(disk.pages.write(kPage, bytes_of("z")), Error);
  CHECK_THROWS_AS(disk.pages.write(2 * kPage + 9, bytes_of("yz")), Error);
  CHECK_THROWS_AS((void)disk.read(2 * kPage + 10, 1), Error);
  CHECK_THROWS_AS((void)disk.read(~std::uint64_t{0}, 1), Error);
  const DiskChanges changes = changes_of(disk.pages);
  REQUIRE(changes.size() == 2);
  CHECK(changes[1].offset == 2 * kPage);
  CHECK(changes[1].bytes.size() == 10);
}

TEST_CASE("changes arrive as they were sent, neighbours as one") {
  Disk disk;
  disk.pages.write(kPage - 1, bytes_of("xy"));
  const DiskChanges changes = changes_of(disk.pages);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].bytes.size() == 2 * kPage);
  const DiskChanges arrived = changes_from(to_bytes(changes), 2 * kPage + 10);
  REQUIRE(arrived.size() == 1);
  CHECK(arrived[0].offset == 0);
  CHECK(arrived[0].bytes == changes[0].bytes);
}

TEST_CASE("changes that can't be are refused") {
  const std::vector<std::byte> page(kPage, std::byte{'x'});
  const auto refused = [](const DiskChanges& changes, std::uint64_t size) {
    CHECK_THROWS_AS((void)changes_from(to_bytes(changes), size), Error);
  };
  CHECK(changes_from(to_bytes({{kPage, page}, {3 * kPage, page}}), 4 * kPage).size() == 2);
  CHECK(changes_from(to_bytes({{kPage, bytes_of("abc")}}), kPage + 3).size() == 1);
  refused({{kPage, page}}, 2 * kPage - 1);
  refused({{~std::uint64_t{0} - kPage + 1, page}}, 4 * kPage);
  refused({{kPage, {}}}, 4 * kPage);
  refused({{kPage, page}, {kPage, page}}, 4 * kPage);
  refused({{kPage, page}, {0, page}}, 4 * kPage);
  std::vector<std::byte> cut = to_bytes({{kPage, page}});
  cut.pop_back();
  CHECK_THROWS_AS((void)changes_from(cut, 4 * kPage), Error);
  CHECK_THROWS_AS((void)changes_from(std::span(cut).first(7), 4 * kPage), Error);
}

TEST_CASE("changes are of whole pages, and no more than a child of ours makes") {
  const auto refused = [](const DiskChanges& changes, std::uint64_t size) {
    CHECK_THROWS_AS((void)changes_from(to_bytes(changes), size), Error);
  };
  const std::vector<std::byte> page(kPage, std::byte{'x'});
  refused({{0, bytes_of("x")}}, 4 * kPage);
  refused({{1, page}}, 4 * kPage);
  refused({{4 * kPage - 1, bytes_of("x")}}, 4 * kPage);
  const std::vector<std::byte> most(kMostChangedPages * kPage);
  CHECK(changes_from(to_bytes({{0, most}}), std::uint64_t{1} << 40).size() == 1);
  refused({{0, most}, {2 * most.size(), page}}, std::uint64_t{1} << 40);
}
