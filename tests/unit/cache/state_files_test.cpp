#include "agent/layout/state_files.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/cache/content_check.hpp"
#include "agent/cache/pins.hpp"
#include "agent/cache/refusals.hpp"
#include "agent/fetch/staged_transfer.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace fs = boost::filesystem;

namespace {

// A running cache with one base file.
struct TidiedNode : FakeNode {
  TidiedNode() : FakeNode("bytes") { images.acquire(image_base(), op); }

  void rot() const {
    fs::permissions(layout.base_file(key), fs::owner_all);
    write_file(layout.base_file(key), "bYtes");
  }
  cache::ContentState verify() { return cache::ContentCheck(layout, quarantine).check(key, RateLimit(), op).state; }

  OpContext op = test_operation();
  model::CacheKey key = model::key_of(model::BaseFileSpec(image_base()));
};

}  // namespace

TEST_CASE("directories of ours that somebody removed under a running daemon are made again where they are needed") {
  struct Row {
    const char* what;
    Path (layout::CacheLayout::*directory)() const;
    void (*use)(TidiedNode&);
  };
  using Layout = layout::CacheLayout;
  const Row rows[] = {
      {"quarantine, listed", &Layout::quarantine_directory, [](TidiedNode& n) { CHECK(n.quarantine.list().empty()); }},
      {"quarantine, moved to", &Layout::quarantine_directory,
       [](TidiedNode& n) {
         n.rot();
         CHECK(n.verify() == cache::ContentState::rotten);
         CHECK(n.quarantine.list().size() == 1);
         CHECK(n.images.acquire(image_base(), n.op).how() == cache::HowAcquired::built);
       }},
      {"unfit", &Layout::unfit_directory,
       [](TidiedNode& n) {
         n.quarantine.condemn(n.key, {.reason = "rotten"});
         CHECK(cache::read_unfitness(n.layout, n.key) == "rotten");
       }},
      {"refusals, remembered", &Layout::refusal_directory,
       [](TidiedNode& n) {
         const cache::RefusedImage image{.origin = "image",
                                         .digest = {.algorithm = DigestAlgorithm::sha256, .hex = std::string(64, 'a')},
                                         .declared_format = {},
                                         .rules = 1};
         Error why(ErrorCode::image_unacceptable, "no");
         why.add_field(fetch::kChecksField, "tables");
         cache::Refusals(n.layout).remember(n.key, image, why);
         CHECK(cache::Refusals(n.layout).forget(n.key));
       }},
      {"refusals, pruned", &Layout::refusal_directory,
       [](TidiedNode& n) { CHECK(cache::Refusals(n.layout).forget_older_than(std::chrono::seconds(0)) == 0); }},
      {"pins", &Layout::pin_directory,
       [](TidiedNode& n) {
         cache::Pins pins(n.layout);
         CHECK_FALSE(pins.reason(n.key));
         pins.pin(n.key, "golden");
         CHECK(pins.reason(n.key) == "golden");
       }},
      {"transfers", &Layout::transfer_directory,
       [](TidiedNode& n) {
         const model::CacheKey other = model::CacheKey::for_image("other");
         fetch::StagedTransfer transfer(n.layout, other, "other");
         transfer.start({.size = std::nullopt, .version = "v1"});
         CHECK(fs::exists(n.layout.transfer_journal(other)));
       }},
      {"records", &Layout::record_directory,
       [](TidiedNode& n) {
         CHECK_FALSE(cache::read_record(n.layout, n.key));
         CHECK(n.images.acquire(image_base(), n.op).how() == cache::HowAcquired::hit);
         CHECK(cache::read_record(n.layout, n.key));
       }},
      {"locks", &Layout::instance_lock_directory,
       [](TidiedNode& n) {
         FileLock file(layout::instance_lock_file(n.layout, "9a2d629d-0000-4000-8000-000000000001"));
         CHECK(file.try_lock());
         file.unlock();
       }},
      {"all of them", &Layout::state_directory,
       [](TidiedNode& n) {
         n.quarantine.condemn(n.key, {.reason = "rotten"});
         CHECK(n.images.find(n.key)->unfit == "rotten");
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.what));
    TidiedNode node;
    fs::remove_all((node.layout.*row.directory)());
    CHECK_NOTHROW(row.use(node));
  }
}

TEST_CASE("a directory in the place of a record is no record") {
  const TidiedNode node;
  fs::remove(node.layout.record(node.key));
  fs::create_directory(node.layout.record(node.key));
  CHECK_FALSE(cache::read_record(node.layout, node.key));
}

TEST_CASE("a transfer goes on when its directory of journals was removed meanwhile") {
  const TidiedNode node;
  fetch::StagedTransfer transfer(node.layout, model::CacheKey::for_image("other"), "other",
                                 fetch::Unsynced::distrusted);
  transfer.start({.size = std::nullopt, .version = "v1"});
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 64; ++i) transfer.append(bytes_of(piece));  // then its journal vouches for them
  fs::remove_all(node.layout.transfer_directory());
  CHECK_NOTHROW(transfer.start({.size = std::nullopt, .version = "v2"}));
}

TEST_CASE("nothing is made where the whole cache is missing: its file system isn't mounted") {
  const TidiedNode node;
  fs::remove_all(node.layout.base_directory());
  try {
    layout::make_state_directory(node.layout, node.layout.unfit_directory());
    FAIL("made");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::storage_unusable);
  }
  CHECK_FALSE(fs::exists(node.layout.base_directory()));
}

TEST_CASE("what isn't a regular file is none of ours") {
  const TidiedNode node;
  const Path directory = node.layout.refusal_directory();
  write_file(directory / "file", "x");
  fs::create_directory(directory / "directory");
  fs::create_symlink("/nonexistent", directory / "dangling");
  CHECK(layout::state_files(directory) == std::vector<Path>{directory / "file"});
  CHECK(layout::state_files(directory / "missing").empty());
}
