#include "backends/guest/root_disk.hpp"

#include <doctest/doctest.h>

#include "backends/disk/qcow2_disk.hpp"
#include "backends/disk/raw_disk.hpp"
#include "backends/guest/disk_injector.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/unit/disk/fixture.hpp"
#include "tests/unit/guest/guest_image.hpp"

using namespace basecache;
using namespace basecache::guest;
using namespace basecache::test;

namespace {

// A root disk of that guest, just made by the real backend.
struct RootDisk {
  explicit RootDisk(const Path& image, bool is_qcow2, std::optional<Bytes> size = {}) {
    run_tool({"cp", "--sparse=always", image.native(), bench.path().native()});
    base = bench.raw_base();
    disk::Qcow2Disk qcow2(bench.qemu_img, disk::Preallocation::none);
    disk::RawDisk raw(bench.qemu_img, disk::Preallocation::none, 1);
    provision::DiskBackend& backend = is_qcow2 ? static_cast<provision::DiskBackend&>(qcow2) : raw;
    made = backend.create_disk(bench.place, size, *base, bench.op);
  }
  provision::NewRootDisk disk() const {
    return {.path = bench.place.staged, .format = made.format, .size = made.size, .base = *base};
  }
  // As the guest reads it.
  Path as_raw() const {
    const Path raw = bench.dir.path() / "as_raw";
    run_tool({"qemu-img", "convert", "-f", std::string(model::qemu_name(made.format)), "-O", "raw",
              bench.place.staged.native(), raw.native()});
    return raw;
  }

  DiskBench bench;
  std::optional<cache::BaseFile> base;
  provision::MadeDisk made;
};

}  // namespace

TEST_CASE("raw disks and overlays get the same files, are sound and sparse, and the base file stays as it is") {
  const GuestImage guest;
  for (const bool is_qcow2 : {false, true}) {
    for (const std::optional<Bytes> size : {std::optional<Bytes>(), std::optional(mebibytes(64))}) {
      CAPTURE(is_qcow2);
      RootDisk root(guest.image, is_qcow2, size);
      const std::string base_before = run_tool({"sha256sum", root.bench.path().native()});
      DiskInjector(root.bench.sandbox).inject(root.disk(), {injection::kInspect, every_item()}, root.bench.op);
      CHECK(root.bench.op.notes().empty());
      CHECK(run_tool({"sha256sum", root.bench.path().native()}) == base_before);
      if (is_qcow2) run_tool({"qemu-img", "check", "-f", "qcow2", root.bench.place.staged.native()});
      const Path raw = root.as_raw();
      CHECK(sizes_of(raw).apparent == size.value_or(mebibytes(32)));
      run_tool({"e2fsck", "-fn", raw.native()});
      CHECK(run_tool({"debugfs", "-R", "cat /etc/motd", raw.native()}) == "welcome\n");
      CHECK(sizes_of(root.bench.place.staged).allocated < mebibytes(8));
    }
  }
}

TEST_CASE("what fails is an error where it is mandatory, else a note, and the disk is as it was made") {
  const GuestImage guest;
  guest.debugfs("symlink /loop loop", true);
  for (const bool is_qcow2 : {false, true}) {
    RootDisk root(guest.image, is_qcow2);
    const std::string before = run_tool({"sha256sum", root.bench.place.staged.native()});
    DiskInjector injector(root.bench.sandbox);
    const Error error = error_of([&] {
      injector.inject(root.disk(), {0, {text_item(injection::ItemKind::metadata, "{}"), files_item({{"/loop", "x"}})}},
                      root.bench.op);
    });
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(error.message().find("too many symbolic links") != std::string::npos);
    CHECK(run_tool({"sha256sum", root.bench.place.staged.native()}) == before);
  }
  guest.debugfs("symlink /meta.js loop", true);
  RootDisk root(guest.image, true);
  DiskInjector(root.bench.sandbox)
      .inject(root.disk(), {0, {text_item(injection::ItemKind::metadata, "{}")}}, root.bench.op);
  REQUIRE(root.bench.op.notes().size() == 1);
  CHECK(root.bench.op.notes()[0].starts_with("not injected: metadata: "));
}

TEST_CASE("a disk that ends within a page and within a cluster is written to its end") {
  const GuestImage guest({"mkfs.ext2", "-b", "1024"}, Bytes{(8 << 20) - 1024});
  for (const bool is_qcow2 : {false, true}) {
    RootDisk root(guest.image, is_qcow2);
    const std::uint64_t size = root.made.size.count;
    const DiskChanges changes{{size - 700, std::vector<std::byte>(700, std::byte{'e'})}};
    write_changes(root.disk(), changes, root.bench.op);
    const std::string raw = read_file(root.as_raw());
    CHECK(raw.size() == size);
    CHECK(raw.substr(raw.size() - 701) == raw.substr(raw.size() - 701, 1) + std::string(700, 'e'));
    CHECK(raw.substr(0, raw.size() - 700) == read_file(guest.image).substr(0, raw.size() - 700));
  }
}

TEST_CASE("changes beside each other, in one cluster and over several, each stand where they belong") {
  constexpr std::size_t kPage = ChangedPages::kPage;
  const GuestImage guest({"mkfs.ext2"}, Bytes{8 << 20});
  std::string expected = read_file(guest.image);
  DiskChanges changes;
  for (const auto& [number, count] : {std::pair{0, 1}, {2, 1}, {15, 2}, {18, 70}, {100, 1}, {2047, 1}}) {
    const auto letter = static_cast<char>('a' + changes.size());
    const std::size_t length = static_cast<std::size_t>(count) * kPage;
    changes.push_back(
        {static_cast<std::uint64_t>(number) * kPage, std::vector(length, static_cast<std::byte>(letter))});
    expected.replace(static_cast<std::size_t>(number) * kPage, length, length, letter);
  }
  for (const bool is_qcow2 : {false, true}) {
    RootDisk root(guest.image, is_qcow2);
    write_changes(root.disk(), changes, root.bench.op);
    CHECK(read_file(root.as_raw()) == expected);
  }
}

TEST_CASE("a cancelled operation writes no changes") {
  const GuestImage guest({"mkfs.ext2"}, Bytes{8 << 20});
  std::stop_source stop;
  stop.request_stop();
  const OpContext cancelled("op", stop.get_token(), OpContext::Clock::time_point::max());
  for (const bool is_qcow2 : {false, true}) {
    RootDisk root(guest.image, is_qcow2);
    const DiskChanges changes{{0, std::vector<std::byte>(4096)}};
    CHECK_THROWS_AS(write_changes(root.disk(), changes, cancelled), Cancelled);
  }
}

TEST_CASE("a block device gets the files too" * doctest::skip(!LoopDevice::can_be_made())) {
  const GuestImage guest;
  RootDisk root(guest.image, false);
  {
    const LoopDevice device(root.bench.place.staged);
    provision::NewRootDisk disk = root.disk();
    disk.path = device.path();
    DiskInjector(root.bench.sandbox).inject(disk, {injection::kInspect, every_item()}, root.bench.op);
    CHECK(root.bench.op.notes().empty());
    run_tool({"sync", device.path().native()});
  }
  run_tool({"e2fsck", "-fn", root.bench.place.staged.native()});
  CHECK(run_tool({"debugfs", "-R", "cat /etc/motd", root.bench.place.staged.native()}) == "welcome\n");
}
