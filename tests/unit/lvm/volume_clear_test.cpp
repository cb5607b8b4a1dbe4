#include "backends/lvm/volume_clear.hpp"

#include <doctest/doctest.h>

#include <stop_token>
#include <string>
#include <string_view>

#include "tests/support/failure.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

constexpr std::size_t kSize = 3 * (std::size_t{1} << 20);
constexpr std::size_t kBlock = 4096;
const std::string kSecret(kSize, 's');

// Whether no block is what it was, or zeros, or like the one before it.
bool is_shredded(std::string_view content) {
  std::string_view before(kSecret.data(), kBlock);
  for (; !content.empty(); content.remove_prefix(kBlock)) {
    const std::string_view block = content.substr(0, kBlock);
    if (block == before || block == std::string(kBlock, 's') || block == std::string(kBlock, '\0')) return false;
    before = block;
  }
  return true;
}

std::string cleared(std::string_view content, Unwritten unwritten, const ClearPolicy& policy) {
  const ScratchDir dir;
  write_file(dir / "device", content);
  clear_volume(
      dir / "device", unwritten, policy, [](Bytes) {}, test_operation());
  return read_file(dir / "device");
}

}  // namespace

TEST_CASE("without a method a volume keeps its bytes") {
  CHECK(cleared(kSecret, Unwritten::unknown, {.method = ClearMethod::none}) == kSecret);
}

TEST_CASE("zero leaves zeros, shred noise") {
  for (const Unwritten unwritten : {Unwritten::unknown, Unwritten::zeros}) {
    CAPTURE(static_cast<int>(unwritten));
    CHECK(cleared(kSecret, unwritten, {.method = ClearMethod::zero}) == std::string(kSize, '\0'));
    CHECK(is_shredded(cleared(kSecret, unwritten, {.method = ClearMethod::shred})));
  }
}

TEST_CASE("only the beginning is cleared when that is what the policy says") {
  const Bytes part = mebibytes(1);
  const std::string zeroed = cleared(kSecret, Unwritten::unknown, {.method = ClearMethod::zero, .size = part});
  CHECK(zeroed == std::string(part.count, '\0') + kSecret.substr(part.count));
  const std::string shredded = cleared(kSecret, Unwritten::unknown, {.method = ClearMethod::shred, .size = part});
  CHECK(is_shredded(std::string_view(shredded).substr(0, part.count)));
  CHECK(shredded.substr(part.count) == kSecret.substr(part.count));
}

TEST_CASE("more than there is to clear is all of it") {
  CHECK(cleared(kSecret, Unwritten::unknown, {.method = ClearMethod::zero, .size = gibibytes(1)}) ==
        std::string(kSize, '\0'));
}

TEST_CASE("of a volume that reads as zeros where nobody wrote, that isn't written") {
  const std::string half = kSecret.substr(0, kSize / 2) + std::string(kSize / 2, '\0');
  const std::string shredded = cleared(half, Unwritten::zeros, {.method = ClearMethod::shred});
  CHECK(is_shredded(std::string_view(shredded).substr(0, kSize / 2)));
  CHECK(shredded.substr(kSize / 2) == std::string(kSize / 2, '\0'));
}

TEST_CASE("a block device is cleared like a file" * doctest::skip(!LoopDevice::can_be_made())) {
  const ScratchDir dir;
  write_file(dir / "disk", kSecret);
  const LoopDevice loop(dir / "disk");
  clear_volume(
      loop.path(), Unwritten::unknown, {.method = ClearMethod::shred}, [](Bytes) {}, test_operation());
  CHECK(is_shredded(read_file(loop.path())));
  clear_volume(
      loop.path(), Unwritten::unknown, {.method = ClearMethod::zero}, [](Bytes) {}, test_operation());
  CHECK(read_file(loop.path()) == std::string(kSize, '\0'));
}

TEST_CASE("clearing can be stopped on its way") {
  for (const ClearMethod method : {ClearMethod::zero, ClearMethod::shred}) {
    CAPTURE(static_cast<int>(method));
    const ScratchDir dir;
    write_file(dir / "device", std::string(VolumeDevice::kWindow, 's') + "rest");
    std::stop_source stop;
    const OpContext op = test_operation(stop.get_token());
    const auto stops = [&](Bytes) { stop.request_stop(); };
    CHECK_THROWS_AS(clear_volume(dir / "device", Unwritten::unknown, {.method = method}, stops, op), Cancelled);
    CHECK(read_file(dir / "device").ends_with("rest"));
  }
}
