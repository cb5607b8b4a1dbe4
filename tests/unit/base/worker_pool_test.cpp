#include "agent/base/worker_pool.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <future>
#include <latch>
#include <memory>
#include <thread>

#include "agent/base/error.hpp"

namespace basecache {
namespace {

// Keeps one worker busy until released, and says when it has begun.
class Blocker {
 public:
  explicit Blocker(WorkerPool& pool) {
    pool.submit([this] {
      begun_.count_down();
      release_.wait();
    });
    begun_.wait();
  }
  void release() { release_.count_down(); }

 private:
  std::latch begun_{1};
  std::latch release_{1};
};

// While it lives no thread can be started: its stack would be larger than any address space.
class NoThreads {
 public:
  NoThreads() {
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    ::pthread_attr_init(&huge);
    ::pthread_attr_setstacksize(&huge, std::size_t{1} << 50);
    REQUIRE(::pthread_setattr_default_np(&huge) == 0);
    ::pthread_attr_destroy(&huge);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
  ~NoThreads() {
    ::pthread_setattr_default_np(&before_);
    ::pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_{};
};

}  // namespace

TEST_CASE("a task runs on a thread of the pool") {
  WorkerPool pool("test", 1, 1);
  std::promise<std::thread::id> ran;
  pool.submit([&] { ran.set_value(std::this_thread::get_id()); });
  CHECK(ran.get_future().get() != std::this_thread::get_id());
}

TEST_CASE("as many tasks run at the same time as there are threads") {
  std::latch together(4);  // outlives those who wait for it
  WorkerPool pool("test", 3, 3);
  for (int i = 0; i < 3; ++i) {
    pool.submit([&] { together.arrive_and_wait(); });
  }
  together.arrive_and_wait();
}

TEST_CASE("a full queue refuses, and takes again when there is room") {
  WorkerPool pool("test", 1, 1);
  Blocker blocker(pool);
  std::latch queued_ran(1);
  pool.submit([&] { queued_ran.count_down(); });
  try {
    pool.submit([] {});
    FAIL("the queue isn't bounded");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::busy);
    CHECK_FALSE(error.hint().empty());
  }
  blocker.release();
  queued_ran.wait();
  CHECK_NOTHROW(pool.submit([] {}));
}

TEST_CASE("a pool that can't start its first thread refuses the task and doesn't run it later") {
  WorkerPool pool("test", 1, 2);
  bool ran = false;
  {
    const NoThreads none;
    try {
      pool.submit([&] { ran = true; });
      FAIL("there can't be a thread for it");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::busy);
    }
  }
  std::latch next_ran(1);
  pool.submit([&] { next_ran.count_down(); });
  next_ran.wait();
  CHECK_FALSE(ran);
}

TEST_CASE("a pool that can't start another thread leaves the task to those it has") {
  WorkerPool pool("test", 2, 2);
  Blocker blocker(pool);
  std::latch queued_ran(1);
  {
    const NoThreads none;
    CHECK_NOTHROW(pool.submit([&] { queued_ran.count_down(); }));
  }
  blocker.release();
  queued_ran.wait();
}

TEST_CASE("what was accepted is run before the pool is gone") {
  int ran = 0;
  {
    WorkerPool pool("test", 1, 10);
    for (int i = 0; i < 10; ++i) pool.submit([&] { ++ran; });
  }
  CHECK(ran == 10);
}

TEST_CASE("what a task holds goes before the next task runs") {
  WorkerPool pool("test", 1, 2);
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  pool.submit([held = std::move(held)] {});
  std::promise<bool> gone;
  pool.submit([&] { gone.set_value(watched.expired()); });
  CHECK(gone.get_future().get());
}

}  // namespace basecache
