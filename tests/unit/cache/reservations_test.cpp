#include "agent/cache/reservations.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <functional>
#include <future>

#include "agent/base/error.hpp"
#include "agent/cache/build_room.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::cache;
using Certainty = Reservations::Certainty;

namespace {

class FakeRooms : public RoomMaker {
 public:
  RoomMade make_room(const Measure& measure, const OpContext&) override {
    ++asked;
    last = measure();
    if (on_asked) on_asked();
    return {.freed = freed, .staying = {.under_disks = mebibytes(3), .pinned = mebibytes(1)}};
  }
  std::atomic<int> asked = 0;
  Capacity last;
  Bytes freed = {};
  std::function<void()> on_asked;
};

struct RoomNode {
  explicit RoomNode(StorageLimits limits) : reservations(layout, limits, rooms) { layout::prepare_directories(layout); }

  void fill(const Path& file, Bytes size) { write_file(file, std::string(size.count, 'x')); }
  bool fits(Reservations::Reservation& own, const Path& file, Bytes size, Certainty certainty = Certainty::exact) {
    const OpContext op = test_operation();
    try {
      own.want(file, size, certainty, op);
      return true;
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::no_space);
      message = error.message();
      fields = error.fields();
      return false;
    }
  }
  Path staged(const std::string& name) const { return layout.base_directory() / name; }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  FakeRooms rooms;
  Reservations reservations;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
};

const StorageLimits kTenMebibytes{.max_bytes = mebibytes(10), .min_free = Bytes{0}};

}  // namespace

TEST_CASE("what parallel builds want counts together, and is given back when one ends") {
  RoomNode node(kTenMebibytes);
  Reservations::Reservation second(node.reservations, "image 'b'");
  {
    Reservations::Reservation first(node.reservations, "image 'a'");
    CHECK(node.fits(first, node.staged("a.part"), mebibytes(6)));
    CHECK_FALSE(node.fits(second, node.staged("b.part"), mebibytes(6)));
    CHECK(node.rooms.asked == 1);  // nothing went: it isn't asked again
    CHECK(node.rooms.last.needed == mebibytes(12));
    CHECK(node.rooms.last.all_or_nothing);
    CHECK(node.fits(second, node.staged("b.part"), mebibytes(4)));
  }
  CHECK(node.fits(second, node.staged("b.part"), mebibytes(10)));
}

TEST_CASE("what a staged file has already isn't counted twice") {
  RoomNode node(kTenMebibytes);
  Reservations::Reservation first(node.reservations, "image 'a'");
  Reservations::Reservation second(node.reservations, "image 'b'");
  CHECK(node.fits(first, node.staged("a.part"), mebibytes(6)));
  node.fill(node.staged("a.part"), mebibytes(5));
  CHECK(node.fits(second, node.staged("b.part"), mebibytes(4)));
  CHECK_FALSE(node.fits(second, node.staged("b.part"), mebibytes(5)));
  first.settle();
  CHECK(node.fits(second, node.staged("b.part"), mebibytes(5)));
}

TEST_CASE("a refusal tells what is needed, what is there, the limits and what stays") {
  RoomNode node(kTenMebibytes);
  node.fill(node.staged("base"), mebibytes(4));
  Reservations::Reservation own(node.reservations, "image 'a'");
  CHECK_FALSE(node.fits(own, node.staged("a.part"), mebibytes(8)));
  CHECK(node.message ==
        "image 'a' needs 8 MiB, for which 2 MiB are missing: 8 MiB more are needed, and the cache has 4 MiB of at most "
        "10 MiB; of the cache stay 3 MiB under disks, 1 MiB pinned");
  const auto has = [&](const char* name, Bytes value) {
    return std::ranges::find(node.fields, std::pair(std::string(name), std::to_string(value.count))) !=
           node.fields.end();
  };
  CHECK(has("wanted_bytes", mebibytes(8)));
  CHECK(has("missing_bytes", mebibytes(2)));
  CHECK(has("used_bytes", mebibytes(4)));
  CHECK(has("max_bytes", mebibytes(10)));
  CHECK(has("under_disks_bytes", mebibytes(3)));
  CHECK(has("pinned_bytes", mebibytes(1)));
  CHECK(has("quarantined_bytes", Bytes{0}));
}

TEST_CASE("room that is made is used") {
  RoomNode node(kTenMebibytes);
  node.fill(node.staged("base"), mebibytes(8));
  node.rooms.on_asked = [&] { boost::filesystem::remove(node.staged("base")); };
  Reservations::Reservation own(node.reservations, "image 'a'");
  CHECK(node.fits(own, node.staged("a.part"), mebibytes(8)));
  CHECK(node.rooms.asked == 1);
}

TEST_CASE("who is waited for by a hook doesn't wait for another who makes room") {
  RoomNode node(kTenMebibytes);
  std::promise<void> is_asking;
  std::promise<void> may_go_on;
  std::atomic<bool> is_first = true;
  node.rooms.on_asked = [&] {
    if (!is_first.exchange(false)) return;
    is_asking.set_value();
    may_go_on.get_future().wait();
  };
  Reservations::Reservation slow(node.reservations, "image 'a'");
  auto other = std::async(std::launch::async, [&] {
    const OpContext op = test_operation();
    CHECK_THROWS_AS(slow.want(node.staged("a.part"), mebibytes(20), Certainty::exact, op), Error);
  });
  is_asking.get_future().wait();
  Reservations::Reservation hooked(node.reservations, "image 'b'");
  OpContext op = test_operation();
  HookWait wait;
  wait.raise();
  op.set_hook_wait(wait);
  CHECK_THROWS_AS(hooked.want(node.staged("b.part"), mebibytes(20), Certainty::exact, op), Error);
  may_go_on.set_value();
  other.wait();
}

TEST_CASE("what may be needed must fit where limits are set; else it only makes room and isn't counted") {
  constexpr Bytes huge{std::uint64_t{1} << 60};
  RoomNode limited(kTenMebibytes);
  Reservations::Reservation strict(limited.reservations, "image 'a'");
  CHECK_FALSE(limited.fits(strict, limited.staged("a.converted"), huge, Certainty::at_most));

  RoomNode by_default(StorageLimits{});
  Reservations::Reservation own(by_default.reservations, "image 'a'");
  CHECK(by_default.fits(own, by_default.staged("a.converted"), huge, Certainty::at_most));
  CHECK(by_default.rooms.asked > 0);
  CHECK(by_default.rooms.last.all_or_nothing);
  Reservations::Reservation other(by_default.reservations, "image 'b'");
  CHECK(by_default.fits(other, by_default.staged("b.part"), mebibytes(1)));
  CHECK_FALSE(by_default.fits(other, by_default.staged("b.part"), huge));
}

TEST_CASE("an image is refused before it is fetched by its declared size, by its disk's once limits are set") {
  RoomNode room(StorageLimits{.max_bytes = mebibytes(2), .min_free = Bytes{0}});
  FakeNode node("QFI" + std::string(1 << 20, 'x'), {.reservations = &room.reservations});
  const auto build = [&] {
    OpContext op = test_operation();
    try {
      node.images.acquire(image_base(), op);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;  // none
  };
  node.source.declared = "qcow2";
  node.source.size = mebibytes(3);
  CHECK(build() == ErrorCode::no_space);
  CHECK(node.source.fetches == 0);
  node.source.size.reset();
  node.decoder.disk = "RAW" + std::string(3 << 20, 'x');
  CHECK(build() == ErrorCode::no_space);
  CHECK(names_in(node.layout.base_directory()) == std::vector<std::string>{".basecache"});
  node.decoder.disk = "RAW" + std::string(1 << 19, 'x');
  CHECK(build() == ErrorCode::internal);
}

TEST_CASE("room is asked for again while something goes, and three times at most") {
  RoomNode node(kTenMebibytes);
  node.rooms.freed = Bytes{1};
  Reservations::Reservation own(node.reservations, "image 'a'");
  CHECK_FALSE(node.fits(own, node.staged("a.part"), mebibytes(11)));
  CHECK(node.rooms.asked == 3);
}

TEST_CASE("what only is wished to be kept free makes room, and nobody is refused for it") {
  RoomNode node(StorageLimits{});
  const Capacity now = node.reservations.limits().measure(node.layout);
  REQUIRE(now.min_free_is_wish);
  Reservations::Reservation own(node.reservations, "image 'a'");
  CHECK(node.fits(own, node.staged("a.part"), Bytes{now.free.count - now.min_free.count / 2}));
  CHECK(node.rooms.asked == 1);
  CHECK(node.rooms.last.excess().count > 0);
  CHECK_FALSE(node.fits(own, node.staged("a.part"), now.free + gibibytes(1)));
}

TEST_CASE("nothing is removed for what is made ahead of need, until somebody needs it") {
  RoomNode node(kTenMebibytes);
  node.fill(node.staged("base"), mebibytes(8));
  node.rooms.on_asked = [&] { boost::filesystem::remove(node.staged("base")); };
  OpContext op = test_operation();
  const auto ahead = std::make_shared<std::atomic<bool>>(true);
  op.set_ahead(ahead);
  Reservations::Reservation own(node.reservations, "image 'a'");
  try {
    own.want(node.staged("a.part"), mebibytes(8), Certainty::exact, op);
    FAIL("it was granted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::no_space);
    CHECK(Reservations::refused(error));
    CHECK(error.hint().find("ahead of need") != std::string::npos);
  }
  CHECK(node.rooms.asked == 0);
  *ahead = false;
  own.want(node.staged("a.part"), mebibytes(8), Certainty::exact, op);
  CHECK(node.rooms.asked == 1);
}

TEST_CASE("by default a huge disk makes room for twice its image, a raw image for all of it, and neither is refused") {
  RoomNode room(StorageLimits{});
  FakeNode node("QFI" + std::string(1 << 20, 'x'), {.reservations = &room.reservations});
  BuildRoom build(&room.reservations, room.layout, model::CacheKey::for_image("a"), "image 'a'");
  const Capacity now = room.reservations.limits().measure(room.layout);
  const OpContext op = test_operation();
  model::ImageRecord record{.ref = model::ImageRef::parse("file:///a", "image_ref")};
  record.disk_format = "qcow2";
  record.size = mebibytes(1);
  build.expect_image(record, op);
  build.expect_disk(Bytes{std::uint64_t{1} << 60}, op);
  CHECK(room.rooms.asked == 0);
  BuildRoom raw(&room.reservations, room.layout, model::CacheKey::for_image("b"), "image 'b'");
  record.disk_format = "raw";
  record.size = now.free + gibibytes(1);
  raw.expect_image(record, op);
  CHECK(room.rooms.asked == 0);
}

TEST_CASE("a refusal leaves the transfers that were left, the build's own too") {
  RoomNode room(StorageLimits{.max_bytes = mebibytes(2), .min_free = Bytes{0}});
  FakeNode node("QFI" + std::string(1 << 20, 'x'), {.reservations = &room.reservations});
  for (const char* name : {"left", "its own"}) {
    const model::CacheKey key =
        name == std::string("left") ? model::CacheKey::for_image("another") : model::key_of(image_base());
    write_file(node.layout.fetched(key), "bytes");
    write_file(node.layout.transfer_journal(key), "{}");
  }
  node.source.declared = "qcow2";
  node.source.size = mebibytes(3);
  OpContext op = test_operation();
  CHECK_THROWS_AS(node.images.acquire(image_base(), op), Error);
  CHECK(node.source.fetches == 0);
  CHECK(boost::filesystem::exists(node.layout.fetched(model::CacheKey::for_image("another"))));
  CHECK(boost::filesystem::exists(node.layout.fetched(model::key_of(image_base()))));
}
