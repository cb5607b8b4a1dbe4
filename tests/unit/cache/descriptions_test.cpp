#include "agent/cache/descriptions.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::cache;
using namespace basecache::test;

namespace {

model::ImageRecord record() { return {.ref = model::ImageRef::parse("http://registry.example/i", "image_ref")}; }

}  // namespace

TEST_CASE("a source is asked once for as long as somebody holds its answer") {
  Descriptions descriptions;
  std::stop_source stop;
  OpContext op = test_operation(stop.get_token());
  int asked = 0;
  const auto ask = [&](OpContext&) {
    ++asked;
    return record();
  };
  {
    const auto first = descriptions.of("k", op, ask);
    CHECK(descriptions.of("k", op, ask) == first);
    CHECK(asked == 1);
  }
  descriptions.of("k", op, ask);
  CHECK(asked == 2);
  CHECK_THROWS_AS(
      descriptions.of("k", op,
                      [](OpContext&) -> model::ImageRecord { throw Error(ErrorCode::image_not_found, "gone"); }),
      Error);
  descriptions.of("k", op, ask);
  CHECK(asked == 3);
}

TEST_CASE("those who come while a source is being asked wait for its answer") {
  Descriptions descriptions;
  std::atomic<int> asked = 0;
  std::atomic<int> answered = 0;
  std::atomic<bool> open = false;
  const auto ask = [&](OpContext&) {
    ++asked;
    open.wait(false);
    return record();
  };
  std::vector<Descriptions::Record> held(4);
  {
    std::vector<std::jthread> callers;
    for (Descriptions::Record& each : held) {
      callers.emplace_back([&] {
        std::stop_source stop;
        OpContext op = test_operation(stop.get_token());
        each = descriptions.of("k", op, ask);
        ++answered;
      });
    }
    open = true;
    open.notify_all();
  }
  CHECK(answered == 4);
  CHECK(asked == 1);
}
