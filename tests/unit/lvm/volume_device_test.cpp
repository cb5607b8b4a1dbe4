#include "backends/lvm/volume_device.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "tests/support/failure.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

constexpr std::size_t kSize = std::size_t{1} << 20;

// What the device holds after some of 'x' was zeroed.
std::string zeroed(ByteRange range) {
  std::string content(kSize, 'x');
  content.replace(range.begin, range.end - range.begin, range.end - range.begin, '\0');
  return content;
}

constexpr ByteRange kRanges[] = {{0, kSize},   {0, 1}, {kSize - 1, kSize}, {4096, 8192}, {511, 70001},
                                 {5000, 6000}, {9, 9}};

void zero(const Path& path, ByteRange range) {
  VolumeDevice device(path);
  device.zero(
      range, [](Bytes) {}, test_operation());
  device.sync();
}

}  // namespace

TEST_CASE("a range is zeroed to the byte, and nothing beside it") {
  const ScratchDir dir;
  for (const ByteRange range : kRanges) {
    CAPTURE(range.begin);
    CAPTURE(range.end);
    write_file(dir / "device", std::string(kSize, 'x'));
    zero(dir / "device", range);
    CHECK(read_file(dir / "device") == zeroed(range));
  }
}

TEST_CASE("a block device is zeroed like a file, and is open for one at a time" *
          doctest::skip(!LoopDevice::can_be_made())) {
  const ScratchDir dir;
  write_file(dir / "disk", std::string(kSize, 'x'));
  const LoopDevice loop(dir / "disk");
  const std::string anothers(kSize, 'x');
  for (const ByteRange range : kRanges) {
    CAPTURE(range.begin);
    CAPTURE(range.end);
    {
      VolumeDevice device(loop.path());
      device.write(std::as_bytes(std::span(anothers)), 0);
      device.sync();
    }
    zero(loop.path(), range);
    CHECK(read_file(loop.path()) == zeroed(range));
  }
  const VolumeDevice open(loop.path());
  CHECK(open.size() == mebibytes(1));
  CHECK(code_of([&] { VolumeDevice again(loop.path()); }) == ErrorCode::in_use);
}

TEST_CASE("a volume that isn't there is not found") {
  const ScratchDir dir;
  CHECK(code_of([&] { VolumeDevice device(dir / "none"); }) == ErrorCode::not_found);
}

TEST_CASE("a volume that ends too early is no volume to read") {
  const ScratchDir dir;
  write_file(dir / "device", "short");
  const VolumeDevice device(dir / "device");
  std::vector<std::byte> block(6);
  CHECK(code_of([&] { device.read(block, 0); }) == ErrorCode::storage_unusable);
}

TEST_CASE("zeroing can be stopped between two windows") {
  const ScratchDir dir;
  const std::size_t windows = 2 * VolumeDevice::kWindow;
  write_file(dir / "device", std::string(windows, 'x'));
  std::stop_source stop;
  VolumeDevice device(dir / "device");
  const OpContext op = test_operation(stop.get_token());
  CHECK_THROWS_AS(device.zero(
                      {0, windows}, [&](Bytes) { stop.request_stop(); }, op),
                  Cancelled);
  CHECK(read_file(dir / "device").substr(windows - 1) == "x");
}
