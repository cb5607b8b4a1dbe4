#include "agent/base/rate_limit.hpp"

#include <doctest/doctest.h>

using basecache::RateLimit;

TEST_CASE("a rate limit is only ever raised, and no limit is the highest") {
  struct Row {
    std::optional<std::uint64_t> first;
    std::optional<std::uint64_t> second;
    std::optional<std::uint64_t> result;
  };
  const Row rows[] = {{5, 7, 7}, {7, 5, 7}, {5, {}, {}}, {{}, 5, {}}, {{}, {}, {}}};
  for (const Row& row : rows) {
    RateLimit limit(row.first);
    limit.raise_to(row.second);
    CHECK(limit.now() == row.result);
  }
}

TEST_CASE("copies of a rate limit share it, an unshared one has its own") {
  RateLimit limit(5);
  const RateLimit copy = limit;
  const RateLimit own = limit.unshared();
  limit.raise_to(RateLimit());
  CHECK_FALSE(copy.now());
  CHECK(own.now() == 5);
}
