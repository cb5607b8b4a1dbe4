#include "backends/lvm/volume_writer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

constexpr std::size_t kPart = std::size_t{1} << 20;
constexpr std::size_t kBaseSize = 5 * kPart;
constexpr std::size_t kDeviceSize = 8 * kPart;

std::string part(char letter) { return std::string(kPart, letter); }

// hole, data, hole, written zeros, data
const std::string kContent = part('\0') + part('a') + part('\0') + part('\0') + part('b');

struct Node {
  Node() {
    write_file(base, "");
    boost::filesystem::resize_file(base, kBaseSize);
    const UniqueFd fd = open_file(base, O_WRONLY);
    for (const std::size_t at : {std::size_t{1}, std::size_t{3}, std::size_t{4}}) {
      const std::string written = kContent.substr(at * kPart, kPart);
      write_all_at(fd.get(), std::as_bytes(std::span(written)), at * kPart, base);
    }
    write_file(device, std::string(kDeviceSize, 'x'));
  }

  void write(Unwritten unwritten) { write_to(device, unwritten); }
  void write_to(const Path& target, Unwritten unwritten) {
    write_volume(
        {base, {kBaseSize}}, {target, unwritten}, [this](Bytes at) { reached.push_back(at); }, op);
  }

  ScratchDir dir;
  Path base = dir / "base";
  Path device = dir / "device";
  std::vector<Bytes> reached;
  OpContext op = test_operation();
};

const std::string kWritten = kContent + std::string(kDeviceSize - kBaseSize, '\0');

}  // namespace

TEST_CASE("a volume that held another's bytes holds the base file and zeros, its holes and the rest included") {
  Node node;
  node.write(Unwritten::unknown);
  CHECK(read_file(node.device) == kWritten);
}

TEST_CASE("a block device is written like a file" * doctest::skip(!LoopDevice::can_be_made())) {
  Node node;
  const LoopDevice loop(node.device);
  node.write_to(loop.path(), Unwritten::unknown);
  CHECK(read_file(loop.path()) == kWritten);
}

TEST_CASE("where a volume reads as zeros, holes, zeros and the rest aren't written") {
  Node node;
  node.write(Unwritten::zeros);
  CHECK(read_file(node.device) ==
        part('x') + part('a') + part('x') + part('x') + part('b') + part('x') + part('x') + part('x'));
}

TEST_CASE("how far it is rises to the volume's end") {
  Node node;
  node.write(Unwritten::unknown);
  CHECK(std::ranges::is_sorted(node.reached));
  CHECK(node.reached.size() > 3);
  CHECK(node.reached.back() == Bytes{kDeviceSize});
}

TEST_CASE("a base file that ends within a block is written to its last byte") {
  Node node;
  write_file(node.base, std::string(1234, 'c'));
  write_volume(
      {node.base, {1234}}, {node.device, Unwritten::unknown}, [](Bytes) {}, node.op);
  CHECK(read_file(node.device) == std::string(1234, 'c') + std::string(kDeviceSize - 1234, '\0'));
}

TEST_CASE("an empty base file leaves zeros") {
  Node node;
  write_file(node.base, "");
  write_volume(
      {node.base, {0}}, {node.device, Unwritten::unknown}, [](Bytes) {}, node.op);
  CHECK(read_file(node.device) == std::string(kDeviceSize, '\0'));
}

TEST_CASE("a volume smaller than its base file is refused with both sizes, untouched") {
  Node node;
  write_file(node.device, part('x'));
  const auto error = error_of([&] { node.write(Unwritten::unknown); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::disk_too_small);
  CHECK(says(error, "1048576"));
  CHECK(says(error, "5242880"));
  CHECK(read_file(node.device) == part('x'));
}

TEST_CASE("a base file shorter than it should be is told, not filled up") {
  Node node;
  write_file(node.base, part('a'));
  const auto error = error_of([&] { node.write(Unwritten::unknown); });
  CHECK(says(error, "has 1048576 bytes of its 5242880"));
  CHECK(read_file(node.device) == std::string(kDeviceSize, 'x'));
}

TEST_CASE("writing can be stopped on its way") {
  Node node;
  std::stop_source stop;
  const OpContext op = test_operation(stop.get_token());
  const auto stops = [&](Bytes at) {
    if (at >= Bytes{2 * kPart}) stop.request_stop();
  };
  CHECK_THROWS_AS(write_volume({node.base, {kBaseSize}}, {node.device, Unwritten::unknown}, stops, op), Cancelled);
  CHECK(read_file(node.device).substr(kBaseSize) == std::string(kDeviceSize - kBaseSize, 'x'));
}
