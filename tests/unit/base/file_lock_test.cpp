#include "agent/base/file_lock.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <thread>

#include "agent/base/child_process.hpp"
#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/subprocess.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

// What oslo.concurrency does by way of fasteners: fcntl.lockf, a POSIX record lock of the whole file.
constexpr const char* kTryLockf = R"(
import fcntl, sys
try:
    fcntl.lockf(open(sys.argv[1], "a"), fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    sys.exit(11)
)";
constexpr const char* kHoldLockf = R"(
import fcntl, signal, sys
lock = open(sys.argv[1], "a")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
signal.pause()
)";

bool others_can_lockf(const Path& path) {
  const CompletedProcess python = run({{"python3", "-c", kTryLockf, path.string()}, {}, {}}, test::test_operation());
  REQUIRE((python.status == 0 || python.status == 11));
  return python.status == 0;
}

// A process that holds the lock until this object goes.
ChildProcess hold_by_lockf(const Path& path) {
  const std::vector<std::string> argv{"python3", "-c", kHoldLockf, path.string()};
  ChildProcess python = ChildProcess::start({.argv = argv, .environment = {}});
  pollfd said{python.output().get(), POLLIN, 0};
  REQUIRE(::poll(&said, 1, 60'000) == 1);
  REQUIRE((said.revents & POLLIN) != 0);
  return python;
}

}  // namespace

TEST_CASE("two objects exclude each other inside one process") {
  const test::ScratchDir scratch;
  FileLock first(scratch / "lock");
  FileLock second(scratch / "lock");
  CHECK(first.try_lock());
  CHECK_FALSE(second.try_lock());
  CHECK_FALSE(second.try_lock_sharable());
  first.unlock();
  CHECK(second.try_lock());
}

TEST_CASE("sharers share, and keep out who wants it alone") {
  const test::ScratchDir scratch;
  FileLock first(scratch / "lock");
  FileLock second(scratch / "lock");
  FileLock third(scratch / "lock");
  CHECK(first.try_lock_sharable());
  CHECK(second.try_lock_sharable());
  CHECK_FALSE(third.try_lock());
}

TEST_CASE("a lock file stays when its lock goes") {
  const test::ScratchDir scratch;
  FileLock lock(scratch / "lock");
  REQUIRE(lock.try_lock());
  lock.unlock();
  CHECK(read_small_file(scratch / "lock") == "");
}

TEST_CASE("closing another descriptor of the lock file drops nothing") {
  const test::ScratchDir scratch;
  FileLock lock(scratch / "lock");
  REQUIRE(lock.try_lock());
  { const UniqueFd other = open_file(scratch / "lock", O_RDWR); }
  FileLock second(scratch / "lock");
  CHECK_FALSE(second.try_lock());
  CHECK_FALSE(others_can_lockf(scratch / "lock"));
}

TEST_CASE("our lock keeps out a process that uses lockf, as Nova does") {
  const test::ScratchDir scratch;
  FileLock lock(scratch / "lock");
  REQUIRE(lock.try_lock());
  CHECK_FALSE(others_can_lockf(scratch / "lock"));
  lock.unlock();
  CHECK(others_can_lockf(scratch / "lock"));
  REQUIRE(lock.try_lock_sharable());
  CHECK_FALSE(others_can_lockf(scratch / "lock"));
}

TEST_CASE("a process that uses lockf keeps us out, until it dies") {
  const test::ScratchDir scratch;
  FileLock lock(scratch / "lock");
  {
    const ChildProcess holder = hold_by_lockf(scratch / "lock");
    CHECK_FALSE(lock.try_lock());
    CHECK_FALSE(lock.try_lock_sharable());
  }
  CHECK(lock.try_lock());
}

TEST_CASE("a held lock on an unlinked file keeps nobody out of the new file") {
  const test::ScratchDir scratch;
  FileLock old(scratch / "lock");
  FileLock fresh(scratch / "lock");
  REQUIRE(old.try_lock());
  REQUIRE_FALSE(fresh.try_lock());
  remove_file(scratch / "lock");
  CHECK(fresh.try_lock());
}

TEST_CASE("a lock won on a file that was unlinked meanwhile is taken on the new file") {
  const test::ScratchDir scratch;
  FileLock old(scratch / "lock");
  FileLock waiting(scratch / "lock");
  REQUIRE(old.try_lock());
  REQUIRE_FALSE(waiting.try_lock());
  remove_file(scratch / "lock");
  old.unlock();
  REQUIRE(waiting.try_lock());
  FileLock other(scratch / "lock");
  CHECK_FALSE(other.try_lock());
}

TEST_CASE("who is blocked on a file that is unlinked ends up with the new file") {
  const test::ScratchDir scratch;
  FileLock old(scratch / "lock");
  FileLock waiting(scratch / "lock");
  REQUIRE(old.try_lock());
  std::thread waiter([&] { waiting.lock(); });
  remove_file(scratch / "lock");
  old.unlock();
  waiter.join();
  FileLock other(scratch / "lock");
  CHECK_FALSE(other.try_lock());
}

TEST_CASE("a replaced lock file is noticed too") {
  const test::ScratchDir scratch;
  FileLock lock(scratch / "lock");
  FileLock other(scratch / "lock");
  REQUIRE(other.try_lock());
  REQUIRE_FALSE(lock.try_lock());
  replace_small_file(scratch / "lock", "");
  CHECK(lock.try_lock());
  CHECK_FALSE(others_can_lockf(scratch / "lock"));
}

TEST_CASE("a downgrade lets sharers in and never lets the lock go") {
  const test::ScratchDir scratch;
  FileLock lock(scratch / "lock");
  const OpContext op = test::test_operation();
  ExclusiveLock exclusive = lock_exclusive(lock, op);
  const SharedLock shared(boost::move(exclusive));
  FileLock other(scratch / "lock");
  CHECK_FALSE(other.try_lock());
  CHECK(other.try_lock_sharable());
  CHECK_FALSE(others_can_lockf(scratch / "lock"));
}

TEST_CASE("the wait for a lock ends with the lock, a stop or the deadline") {
  const test::ScratchDir scratch;
  FileLock held(scratch / "lock");
  FileLock wanted(scratch / "lock");
  REQUIRE(held.try_lock());

  std::stop_source source;
  source.request_stop();
  CHECK_THROWS_AS(lock_exclusive(wanted, test::test_operation(source.get_token())), Cancelled);
  CHECK_THROWS_AS(lock_shared(wanted, test::test_operation(source.get_token())), Cancelled);
  CHECK_THROWS_AS(lock_exclusive(wanted, OpContext("late", {}, OpContext::Clock::now())), Error);

  std::thread releaser([&] { held.unlock(); });
  const ExclusiveLock lock = lock_exclusive(wanted, test::test_operation());
  releaser.join();
  CHECK(lock.owns());
}

TEST_CASE("a lock file that can't be made is an error that names it") {
  FileLock lock("/nonexistent/lock");
  CHECK_THROWS_WITH_AS(lock.try_lock(), "cannot open '/nonexistent/lock': No such file or directory", Error);
}

}  // namespace basecache
