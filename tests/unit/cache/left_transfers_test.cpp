#include "agent/fetch/left_transfers.hpp"

#include <doctest/doctest.h>

#include "agent/base/file_lock.hpp"
#include "agent/fetch/staged_transfer.hpp"
#include "agent/fetch/transfer_journal.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

constexpr std::size_t kMiB = 1 << 20;
const model::CacheKey kOld = model::CacheKey::for_image("old");
const model::CacheKey kNew = model::CacheKey::for_image("new");
const model::CacheKey kOwn = model::key_of(model::BaseFileSpec(image_base()));

// A node on which broken transfers left two MiB each: an old one and one that is newer.
struct LeftNode : FakeNode {
  explicit LeftNode(cache::BuildSettings settings = {}) : FakeNode(std::string(4 * kMiB, 'a'), settings) {
    source.version = "v1";
    leave(kOld, 1000);
    leave(kNew, 2000);
  }

  void leave(const model::CacheKey& key, std::time_t written) {
    {
      fetch::StagedTransfer transfer(layout, key, "x");
      transfer.start({.size = std::nullopt, .version = "v1"});
      transfer.append(bytes_of(std::string(2 * kMiB, 'x')));
    }
    boost::filesystem::last_write_time(layout.fetched(key), written);
  }
  std::string outcome() {
    OpContext op = test_operation();
    try {
      builder.build(image_base(), op);
      return "built";
    } catch (const Error& error) {
      return std::string(name_of(error.code()));
    }
  }
  // Of the old, the new and the own transfer, those that are there: "old new own".
  std::string left() const {
    std::string names;
    if (fetch::find_left_transfer(layout, kOld)) names += "old ";
    if (fetch::find_left_transfer(layout, kNew)) names += "new ";
    if (fetch::find_left_transfer(layout, kOwn)) names += "own ";
    return names;
  }
};

}  // namespace

TEST_CASE("the newest of the left transfers stay within the limit, the one that was just left first") {
  struct Row {
    Bytes most;
    const char* left;
    bool frees;
  };
  const Row rows[] = {{mebibytes(7), "old new own ", false},
                      {mebibytes(5), "new own ", true},
                      {mebibytes(3), "own ", true},
                      {mebibytes(0), "own ", true}};
  for (const Row& row : rows) {
    CAPTURE(row.most.count);
    LeftNode node;
    node.leave(kOwn, 1);
    CHECK((fetch::limit_left_transfers(node.layout, kOwn, row.most).count > 0) == row.frees);
    CHECK(node.left() == row.left);
  }
}

TEST_CASE("a transfer that somebody is on with stays and doesn't count") {
  LeftNode node;
  FileLock file(node.layout.lock_file(kNew));
  const ExclusiveLock builder(file);
  CHECK(fetch::limit_left_transfers(node.layout, kOwn, mebibytes(3)).count == 0);
  CHECK(node.left() == "old new ");
  CHECK(fetch::limit_left_transfers(node.layout, kOwn, mebibytes(1)) >= mebibytes(2));
  CHECK(node.left() == "new ");
}

TEST_CASE("left transfers may hold a tenth of the file system") {
  LeftNode node;
  const auto capacity = boost::filesystem::space(node.layout.base_directory()).capacity;
  CHECK(fetch::most_left_bytes(node.layout) == Bytes{capacity / 10});
}

TEST_CASE("a build that leaves a transfer keeps all of them within the limit") {
  LeftNode node({.most_left_bytes = mebibytes(5)});
  node.source.fails = true;
  CHECK(node.outcome() == "source_unavailable");
  CHECK(node.left() == "new own ");
}

TEST_CASE("a build that meets a full disk goes on when others' left transfers could make room") {
  LeftNode node;
  node.source.failure = ErrorCode::no_space;
  node.source.in_the_middle = [&](OpContext&) { node.source.fails = node.source.fetches == 1; };
  CHECK(node.outcome() == "built");
  CHECK(node.source.began_at == std::vector<std::size_t>{0, 2 * kMiB});
  CHECK(node.left().empty());
}

TEST_CASE("a build that meets a full disk fails when there is nothing to make room, or that is not enough") {
  LeftNode node;
  node.source.failure = ErrorCode::no_space;
  node.source.fails = true;
  CHECK(node.outcome() == "no_space");
  CHECK(node.source.fetches == 2);
  CHECK(node.left().empty());
  CHECK(node.outcome() == "no_space");
  CHECK(node.source.fetches == 3);
}
