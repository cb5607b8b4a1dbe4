#include "agent/cache/image_cache.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <future>

#include "agent/base/file_lock.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

// One caller on a thread of its own, with its own way out.
struct Caller {
  Caller(FakeNode& node, model::BaseFileSpec spec, const TransferOptions& transfers = {},
         const ProgressSink& progress = {})
      : how(std::async(std::launch::async,
                       [&node, spec, transfers, progress, left = stop.get_token()]() -> std::string {
                         OpContext op = test_operation(left, progress);
                         op.set_transfers(transfers);
                         try {
                           return std::string(name_of(node.images.acquire(spec, op).how()));
                         } catch (const Error& error) {
                           return std::string(name_of(error.code()));
                         } catch (const Cancelled&) {
                           return "cancelled";
                         }
                       })) {}

  std::stop_source stop;
  std::future<std::string> how;
};

std::vector<std::unique_ptr<Caller>> callers(FakeNode& node, int count) {
  std::vector<std::unique_ptr<Caller>> all;
  for (int i = 0; i < count; ++i) all.push_back(std::make_unique<Caller>(node, image_base()));
  return all;
}

timespec mtime_of(const Path& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mtim;
}

}  // namespace

TEST_CASE("an absent base file is built, a present one is a hit that marks it as used") {
  FakeNode node("bytes");
  OpContext op = test_operation();
  const Path path = [&] {
    const auto first = node.images.acquire(image_base(), op);
    CHECK(first.how() == cache::HowAcquired::built);
    return first.base().path();
  }();
  const timespec old{.tv_sec = 1000, .tv_nsec = 0};
  const timespec times[2] = {old, old};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  CHECK(node.images.acquire(image_base(), op).how() == cache::HowAcquired::hit);
  CHECK(mtime_of(path).tv_sec > 1000);
  CHECK(node.source.fetches == 1);
}

TEST_CASE("fifty callers of one absent base file cause one fetch") {
  FakeNode node("bytes");
  node.source.gate.close();
  auto all = callers(node, 50);
  node.source.gate.wait_for_arrivals(1);
  node.source.gate.open();
  int built = 0;
  for (auto& caller : all) built += caller->how.get() == "built" ? 1 : 0;
  CHECK(built == 1);
  CHECK(node.source.fetches == 1);
}

TEST_CASE("a caller that leaves doesn't disturb the others, even the one who started the build") {
  FakeNode node("bytes");
  node.source.gate.close();
  Caller first(node, image_base());
  node.source.gate.wait_for_arrivals(1);
  Caller second(node, image_base());
  first.stop.request_stop();
  CHECK(first.how.get() == "cancelled");
  node.source.gate.open();
  const std::string how = second.how.get();
  // The second may have come after the first had left: then the build was its own.
  CHECK((how == "joined" || how == "built"));
}

TEST_CASE("when the last caller has left the build stops and nothing remains") {
  FakeNode node("bytes");
  node.source.gate.close();
  auto all = callers(node, 5);
  node.source.gate.wait_for_arrivals(1);
  for (auto& caller : all) caller->stop.request_stop();
  for (auto& caller : all) CHECK(caller->how.get() == "cancelled");
  OpContext op = test_operation();
  FileLock file(node.layout.lock_file(model::key_of(model::BaseFileSpec(image_base()))));
  const ExclusiveLock builder_is_gone = lock_exclusive(file, op);
  CHECK(names_in(node.layout.base_directory()) == std::vector<std::string>{".basecache"});
}

TEST_CASE("after a failed build the next attempt succeeds") {
  FakeNode node("bytes");
  node.source.fails = true;
  CHECK(Caller(node, image_base()).how.get() == "source_unavailable");
  node.source.fails = false;
  CHECK(Caller(node, image_base()).how.get() == "built");
}

TEST_CASE("a wrong demand for a checksum fails only the caller who made it") {
  FakeNode node("bytes");
  node.source.gate.close();
  const Digest wrong{.algorithm = DigestAlgorithm::sha512, .hex = std::string(128, 'a')};
  Caller demanding(node, image_base("http://registry.example/image", wrong));
  node.source.gate.wait_for_arrivals(1);
  Caller plain(node, image_base());
  node.source.gate.open();
  CHECK(demanding.how.get() == "checksum_mismatch");
  CHECK(plain.how.get() == "built");
}

TEST_CASE("who joined a build that a source failed tries once by himself when his token is another") {
  struct Row {
    const char* starters;
    const char* joiners;
    ErrorCode failure;  // for the token "refused"
    const char* outcome;
    int fetches;
  };
  const Row rows[] = {
      {"refused", "good", ErrorCode::source_unauthorized, "built", 2},
      {"refused", "good", ErrorCode::image_not_found, "built", 2},
      {"refused", "good", ErrorCode::source_unavailable, "built", 2},
      {"refused", "", ErrorCode::image_not_found, "built", 2},
      {"", "good", ErrorCode::image_not_found, "built", 2},
      {"refused", "refused", ErrorCode::image_not_found, "image_not_found", 1},
      {"refused", "good", ErrorCode::no_space, "no_space", 1},
      {"refused", "good", ErrorCode::checksum_mismatch, "checksum_mismatch", 1},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.starters));
    CAPTURE(std::string(row.joiners));
    CAPTURE(name_of(row.failure));
    FakeNode node("bytes");
    node.source.refused_token = row.starters;
    node.source.refusal = row.failure;
    std::atomic<bool> joined = false;
    // The first build goes on to its refusal once the second caller sees its progress.
    node.source.in_the_middle = [&](OpContext& op) {
      while (!joined && node.source.fetches == 1) op.report({.step = "fetch", .subject = "x", .done = 1, .total = {}});
    };
    node.source.gate.close();
    Caller first(node, image_base(), {.token = Secret(row.starters), .bytes_per_second = {}});
    node.source.gate.wait_for_arrivals(1);
    Caller second(node, image_base(), {.token = Secret(row.joiners), .bytes_per_second = {}},
                  [&](const Progress&) { joined = true; });
    node.source.gate.open();
    CHECK(first.how.get() == name_of(row.failure));
    CHECK(second.how.get() == row.outcome);
    CHECK(node.source.fetches == row.fetches);
  }
}

TEST_CASE("a hit is verified against the checksum that its caller demands") {
  FakeNode node("bytes");
  const Digest right = Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, "bytes"));
  const Digest wrong{.algorithm = DigestAlgorithm::sha256, .hex = std::string(64, 'a')};
  CHECK(Caller(node, image_base()).how.get() == "built");
  CHECK(Caller(node, image_base("http://registry.example/image", right)).how.get() == "hit");
  CHECK(Caller(node, image_base("http://registry.example/image", wrong)).how.get() == "checksum_mismatch");
}

TEST_CASE("a lease holds the shared lock of its key until it goes, and is counted") {
  FakeNode node("bytes");
  OpContext op = test_operation();
  const auto key = model::key_of(model::BaseFileSpec(image_base()));
  FileLock file(node.layout.lock_file(key));
  {
    const auto lease = node.images.acquire(image_base(), op);
    const auto second = node.images.acquire(image_base(), op);
    CHECK_FALSE(file.try_lock());
    CHECK(node.images.find(key)->leases == 2);
  }
  CHECK(node.images.find(key)->leases == 0);
  REQUIRE(file.try_lock());
  file.unlock();
}

TEST_CASE("a base file that another process publishes while we wait for the lock is a hit") {
  FakeNode node("bytes");
  OpContext op = test_operation();
  const auto key = model::key_of(model::BaseFileSpec(image_base()));
  FileLock file(node.layout.lock_file(key));
  REQUIRE(file.try_lock());
  Caller waiting(node, image_base());
  node.builder.build(image_base(), op);  // what the other process does
  file.unlock();
  CHECK(waiting.how.get() == "hit");
  CHECK(node.source.fetches == 1);
}

TEST_CASE("who waits to build what another process has built meanwhile doesn't wait for its users to go") {
  FakeNode node("bytes");
  OpContext op = test_operation();
  FileLock file(node.layout.lock_file(model::key_of(model::BaseFileSpec(image_base()))));
  REQUIRE(file.try_lock());
  Caller waiting(node, image_base());
  node.builder.build(image_base(), op);  // what the other process does
  file.unlock_and_lock_sharable();       // and goes on using
  CHECK(waiting.how.get() == "hit");
  file.unlock_sharable();
}

TEST_CASE("what stands in the place of a blank base file and is no file is told, not taken over") {
  FakeNode node("bytes");
  boost::filesystem::create_directory(node.layout.base_directory() / "swap_1");
  CHECK(Caller(node, model::SwapBase{.mebibytes = 1}).how.get() == "already_exists");
}

TEST_CASE("the list names every base file with its record, size and age") {
  FakeNode node("QFI bytes");
  OpContext op = test_operation();
  node.images.acquire(image_base(), op);
  node.images.acquire(model::SwapBase{.mebibytes = 1}, op);
  write_file(node.layout.base_directory() / "unexplained", "x");
  const auto entries = node.images.list();
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].key.text() == "swap_1");
  CHECK(entries[0].record->origin == "http://registry.example/image");
  CHECK(entries[0].virtual_size == Bytes{9});
}

TEST_CASE("one image may be a disk and a kernel when its bytes are both") {
  FakeNode node("bytes");
  OpContext op = test_operation();
  CHECK(node.images.acquire(image_base(), op).how() == cache::HowAcquired::built);
  CHECK(node.images.acquire(boot_file_base(), op).how() == cache::HowAcquired::hit);
  CHECK(node.source.fetches == 1);
}

TEST_CASE("a disk that was converted is never handed out as a kernel") {
  FakeNode node("QFI cow image");
  OpContext op = test_operation();
  (void)node.images.acquire(image_base(), op);
  try {
    (void)node.images.acquire(boot_file_base(), op);
    FAIL("was handed out");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(error.message().find("is a disk image") != std::string::npos);
    CHECK_FALSE(error.hint().empty());
  }
  CHECK(node.images.acquire(image_base(), op).how() == cache::HowAcquired::hit);
}

TEST_CASE("what only a kernel may be is never handed out as a disk") {
  FakeNode node("ZIP kernel");
  OpContext op = test_operation();
  (void)node.images.acquire(boot_file_base(), op);
  try {
    (void)node.images.acquire(image_base(), op);
    FAIL("was handed out");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(error.message().find("refused as a disk") != std::string::npos);
    CHECK_FALSE(error.hint().empty());
  }
  CHECK(node.images.acquire(boot_file_base(), op).how() == cache::HowAcquired::hit);
}

TEST_CASE("that an image is no disk doesn't keep it from being a kernel, nor the other way round") {
  FakeNode node("ZIP kernel");
  node.source.promised =
      Digest{.algorithm = DigestAlgorithm::sha256, .hex = hex_digest(DigestAlgorithm::sha256, "ZIP kernel")};
  OpContext op = test_operation();
  CHECK_THROWS_AS((void)node.images.acquire(image_base(), op), Error);  // remembered
  CHECK(node.images.acquire(boot_file_base(), op).how() == cache::HowAcquired::built);
}

TEST_CASE("a base file that is there waits but once, and shortly, for a source that doesn't answer") {
  FakeNode node("RAW bytes");
  OpContext op = test_operation();
  write_file(node.layout.base_file(model::key_of(model::BaseFileSpec(image_base()))), "RAW bytes");
  int asked = 0;
  node.source.in_describe = [&](OpContext& asking) {
    ++asked;
    CHECK(asking.deadline() < op.deadline());
    throw Error(ErrorCode::timed_out, "the registry hangs");
  };
  CHECK_FALSE(node.images.look_up(image_base(), op).meta);
  CHECK_FALSE(node.images.look_up(image_base(), op).meta);
  CHECK(asked == 1);
  CHECK(op.notes().size() == 2);
}
