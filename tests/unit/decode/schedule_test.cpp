#include "backends/decode/schedule.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace basecache::decode;

namespace {

Extent data(std::uint64_t guest, std::uint64_t host, std::uint32_t length = 4096) {
  return {.guest = guest, .host = host, .host_length = length, .guest_length = length};
}

constexpr std::uint64_t kRatio = 1032;

std::vector<std::uint64_t> places(const std::vector<Extent>& extents) {
  std::vector<std::uint64_t> hosts;
  for (const Extent& extent : extents) hosts.push_back(extent.host);
  return hosts;
}

}  // namespace

TEST_CASE("an image without tables is done at once") {
  Schedule schedule({}, 512, kRatio);
  CHECK(schedule.next(0).kind == NextStep::Kind::done);
}

TEST_CASE("a table is read when it has arrived, and what it names when that has") {
  Schedule schedule({{.index = 0, .offset = 1000}}, 512, kRatio);
  CHECK(schedule.next(1511).kind == NextStep::Kind::wait);
  CHECK(schedule.next(1511).until == 1512);
  CHECK(schedule.next(1512).kind == NextStep::Kind::load_table);
  schedule.add({data(0, 2000), data(4096, 6096), data(8192, 10192)});
  const NextStep waits = schedule.next(2000);
  CHECK(waits.kind == NextStep::Kind::wait);
  CHECK(waits.until == 6096);
  const NextStep decodes = schedule.next(10192);
  CHECK(decodes.kind == NextStep::Kind::decode);
  CHECK(places(decodes.batch) == std::vector<std::uint64_t>{2000, 6096});
  CHECK(places(schedule.next(1 << 20).batch) == std::vector<std::uint64_t>{10192});
  CHECK(schedule.next(1 << 20).kind == NextStep::Kind::done);
}

TEST_CASE("tables are read in the order of their places, whatever their order on the disk") {
  Schedule schedule({{.index = 0, .offset = 9000}, {.index = 1, .offset = 3000}, {.index = 2, .offset = 6000}}, 512,
                    kRatio);
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 3; ++i) {
    order.push_back(schedule.next(100'000).table.index);
    schedule.add({});
  }
  CHECK(order == std::vector<std::uint64_t>{1, 2, 0});
}

TEST_CASE("of several tables, what arrives first is decoded first") {
  Schedule schedule({{.index = 0, .offset = 0}, {.index = 1, .offset = 512}}, 512, kRatio);
  (void)schedule.next(1024);
  schedule.add({data(0, 50'000)});
  (void)schedule.next(1024);
  schedule.add({data(1 << 20, 20'000), data(2 << 20, 90'000)});
  CHECK(schedule.next(1024).until == 24'096);
  CHECK(places(schedule.next(54'096).batch) == std::vector<std::uint64_t>{20'000});
  CHECK(places(schedule.next(54'096).batch) == std::vector<std::uint64_t>{50'000});
  CHECK(schedule.next(54'096).until == 94'096);
}

TEST_CASE("a batch ends after about a mebibyte") {
  Schedule schedule({{.index = 0, .offset = 0}}, 512, kRatio);
  (void)schedule.next(512);
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 40; ++i) extents.push_back(data(i * 65'536, 1'000'000 + i * 65'536, 65'536));
  schedule.add(std::move(extents));
  CHECK(schedule.next(1 << 30).batch.size() == 16);
  CHECK(schedule.next(1 << 30).batch.size() == 16);
  CHECK(schedule.next(1 << 30).batch.size() == 8);
  CHECK(schedule.next(1 << 30).kind == NextStep::Kind::done);
}

TEST_CASE("while too much waits in memory, no further table is read") {
  Schedule schedule({{.index = 0, .offset = 0}, {.index = 1, .offset = 512}}, 512, kRatio);
  (void)schedule.next(512);
  schedule.add(std::vector<Extent>(Schedule::kMostWaiting, data(0, 100'000)));
  const NextStep waits = schedule.next(1024);
  CHECK(waits.kind == NextStep::Kind::wait);
  CHECK(waits.until == 104'096);
  CHECK(schedule.next(104'096).kind == NextStep::Kind::decode);
  CHECK(schedule.next(1024).kind == NextStep::Kind::load_table);
}

TEST_CASE("what is handed out takes no more room than has arrived; shared clusters wait for the end") {
  Schedule schedule({{.index = 0, .offset = 0}}, 512, kRatio);
  (void)schedule.next(512);
  constexpr std::uint32_t kBatch = 1 << 20;
  schedule.add({data(0, 0, kBatch), data(kBatch, 0, kBatch), data(2 * kBatch, 0, kBatch)});
  CHECK(schedule.next(kBatch).batch.size() == 1);
  CHECK(schedule.next(kBatch).batch.size() == 1);
  const NextStep waits = schedule.next(kBatch);
  CHECK(waits.kind == NextStep::Kind::wait);
  CHECK(waits.until == 2 * kBatch);
  CHECK(schedule.next(std::numeric_limits<std::uint64_t>::max()).batch.size() == 1);
}

TEST_CASE("a compressed cluster takes the room that its compressor leaves, and sectors may be shared") {
  Schedule schedule({{.index = 0, .offset = 0}}, 512, kRatio);
  (void)schedule.next(512);
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 4; ++i) {
    extents.push_back({.guest = i << 21, .host = 512, .host_length = 512, .guest_length = 1 << 21, .compressed = true});
  }
  schedule.add(std::move(extents));
  for (std::uint64_t taken = 0; taken < 3; ++taken) {
    CHECK(schedule.next(1024 + taken * 2000).kind == NextStep::Kind::decode);
  }
  CHECK(schedule.next(1024 + 2 * 2000).until == 3 * ((1 << 21) / kRatio));
}
