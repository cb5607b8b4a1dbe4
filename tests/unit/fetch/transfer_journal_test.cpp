#include "agent/fetch/transfer_journal.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <nlohmann/json.hpp>

#include "agent/base/posix_file.hpp"
#include "agent/cache/recovery.hpp"
#include "agent/fetch/staged_transfer.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/fetch/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

constexpr std::size_t kMiB = 1 << 20;

struct Place {
  Place() { layout::prepare_directories(layout); }

  // What a process that was killed after two MiB left.
  void leave(std::string version = "v1") {
    fetch::StagedTransfer transfer(layout, key, "http://registry.example/image");
    transfer.start({.size = Bytes{3 * kMiB}, .version = std::move(version)});
    transfer.append(bytes_of(std::string(2 * kMiB, 'a')));
  }
  void edit_journal(const std::function<void(nlohmann::json&)>& edit) {
    nlohmann::json journal = nlohmann::json::parse(read_file(layout.transfer_journal(key)));
    edit(journal);
    write_file(layout.transfer_journal(key), journal.dump());
  }
  bool is_clean() const {
    return names_in(layout.transfer_directory()).empty() && !boost::filesystem::exists(layout.fetched(key));
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  model::CacheKey key = model::CacheKey::for_image("an image");
};

}  // namespace

TEST_CASE("a killed process leaves all that it has written, and the next one goes on behind it") {
  Place p;
  p.leave();
  const auto left = fetch::find_left_transfer(p.layout, p.key);
  REQUIRE(left);
  CHECK(left->count == mebibytes(2));
  CHECK(left->journal.transfer.version == "v1");
  CHECK(left->journal.transfer.size == mebibytes(3));
  fetch::StagedTransfer next(p.layout, p.key, "x");
  REQUIRE(next.held());
  CHECK(next.held()->count == mebibytes(2));
  next.append(bytes_of(std::string(kMiB, 'b')));
  next.finish();
  CHECK((read_file(p.layout.fetched(p.key)) == std::string(2 * kMiB, 'a') + std::string(kMiB, 'b')));
}

TEST_CASE("a restarted machine has only what was synced") {
  Place p;
  p.leave();
  p.edit_journal([](nlohmann::json& journal) {
    journal["boot"] = "another";
    journal["synced"] = kMiB + 5;
  });
  CHECK(fetch::find_left_transfer(p.layout, p.key)->count == Bytes{kMiB + 5});
  { const fetch::StagedTransfer next(p.layout, p.key, "x"); }
  CHECK(sizes_of(p.layout.fetched(p.key)).apparent == Bytes{kMiB + 5});
  CHECK(fetch::find_left_transfer(p.layout, p.key)->count == Bytes{kMiB + 5});  // written again by this boot
}

TEST_CASE("where what wasn't synced is distrusted a killed process leaves what was synced, any other all") {
  Place p;
  p.leave();
  p.edit_journal([](nlohmann::json& journal) { journal["synced"] = kMiB + 5; });
  CHECK(fetch::find_left_transfer(p.layout, p.key)->count == mebibytes(2));
  CHECK(fetch::find_left_transfer(p.layout, p.key, fetch::Unsynced::distrusted)->count == Bytes{kMiB + 5});
  {
    fetch::StagedTransfer next(p.layout, p.key, "x", fetch::Unsynced::distrusted);
    CHECK(next.held()->count == Bytes{kMiB + 5});
    next.append(bytes_of("more"));
  }
  CHECK(fetch::find_left_transfer(p.layout, p.key, fetch::Unsynced::distrusted)->count == Bytes{kMiB + 9});
}

TEST_CASE("a staged file without a journal of its own bytes is nothing to go on with") {
  struct Row {
    const char* what;
    void (*arrange)(Place&);
  };
  using nlohmann::json;
  const Row rows[] = {
      {"no journal", [](Place& p) { remove_file(p.layout.transfer_journal(p.key)); }},
      {"an empty journal", [](Place& p) { write_file(p.layout.transfer_journal(p.key), ""); }},
      {"not an object", [](Place& p) { write_file(p.layout.transfer_journal(p.key), "[1]"); }},
      {"no version", [](Place& p) { p.edit_journal([](json& j) { j["version"] = ""; }); }},
      {"no staged file", [](Place& p) { remove_file(p.layout.fetched(p.key)); }},
      {"another file in its place",
       [](Place& p) {
         const Path other = p.layout.base_directory() / "other";
         write_file(other, std::string(2 * kMiB, 'x'));
         boost::filesystem::rename(other, p.layout.fetched(p.key));
       }},
      {"synced bytes are missing", [](Place& p) { p.edit_journal([](json& j) { j["synced"] = 2 * kMiB + 1; }); }},
      {"more bytes than the image has", [](Place& p) { p.edit_journal([](json& j) { j["size"] = 2 * kMiB - 1; }); }},
      {"too little", [](Place& p) { boost::filesystem::resize_file(p.layout.fetched(p.key), kMiB - 1); }},
      {"nothing synced before a boot that nobody knows",
       [](Place& p) { p.edit_journal([](json& j) { j["boot"] = ""; }); }},
      {"nothing synced before another boot", [](Place& p) { p.edit_journal([](json& j) { j["boot"] = "another"; }); }},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.what));
    Place p;
    p.leave();
    row.arrange(p);
    CHECK_FALSE(fetch::find_left_transfer(p.layout, p.key));
    CHECK_FALSE(cache::recover(p.layout).empty());
    CHECK(p.is_clean());
  }
}

TEST_CASE("what is too little or of no version goes with its transfer") {
  Place p;
  {
    fetch::StagedTransfer small(p.layout, p.key, "x");
    small.start({.size = std::nullopt, .version = "v1"});
    small.append(bytes_of("few"));
  }
  CHECK(p.is_clean());
  p.leave("");
  CHECK(p.is_clean());
}

TEST_CASE("a transfer that starts over has a journal of its own, or none") {
  Place p;
  p.leave();
  {
    fetch::StagedTransfer next(p.layout, p.key, "x");
    next.start({.size = std::nullopt, .version = "v2"});
    CHECK_FALSE(next.held());
    next.append(bytes_of(std::string(kMiB, 'c')));
  }
  CHECK(fetch::find_left_transfer(p.layout, p.key)->journal.transfer.version == "v2");
  {
    fetch::StagedTransfer next(p.layout, p.key, "x");
    next.start({.size = std::nullopt, .version = ""});
    CHECK(names_in(p.layout.transfer_directory()).empty());
  }
  CHECK(p.is_clean());
}

TEST_CASE("a long transfer is synced now and then, and its journal says how far") {
  Place p;
  fetch::StagedTransfer::Clock::time_point now{};
  fetch::StagedTransfer transfer(p.layout, p.key, "x", fetch::Unsynced::trusted, [&now] { return now; });
  const auto synced = [&p] {
    std::size_t count = 0;
    p.edit_journal([&count](nlohmann::json& journal) { count = journal["synced"]; });
    return count;
  };
  const std::string block(kMiB, 'x');
  transfer.start({.size = std::nullopt, .version = "v1"});
  transfer.append(bytes_of(block));
  CHECK(synced() == 0);
  now += fetch::StagedTransfer::kSyncInterval;
  transfer.append(bytes_of(block));
  CHECK(synced() == 2 * kMiB);
  transfer.append(bytes_of(block));
  CHECK(synced() == 2 * kMiB);
  now += fetch::StagedTransfer::kSyncInterval;
  transfer.append(bytes_of(block));
  CHECK(synced() == 4 * kMiB);
}

TEST_CASE("a journal shows the image ref as it may be shown") {
  Place p;
  p.leave();
  p.edit_journal([](nlohmann::json& journal) { CHECK(journal["origin"] == "http://registry.example/image"); });
}

TEST_CASE("recovery keeps a transfer that can be gone on with, file and journal") {
  Place p;
  p.leave();
  CHECK(cache::recover(p.layout).empty());
  CHECK(fetch::find_left_transfer(p.layout, p.key));
  write_file(p.layout.converted(p.key), "half");
  CHECK(cache::recover(p.layout) == std::vector<Path>{p.layout.converted(p.key)});
}
