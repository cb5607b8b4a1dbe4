#include "backends/inspect/taken_blocks.hpp"

#include <doctest/doctest.h>

namespace basecache::inspect::test {
namespace {

TEST_CASE("a block's place is taken once, and its neighbours stay free") {
  TakenBlocks taken(10 * 4096, 4096);
  CHECK(taken.take(4096));
  CHECK(taken.take(0));
  CHECK(taken.take(9 * 4096));
  CHECK_FALSE(taken.take(4096));
}

TEST_CASE("a block that the end of the file cuts has a place too") {
  TakenBlocks taken(4096 + 1, 4096);
  CHECK(taken.take(4096));
  CHECK_FALSE(taken.take(4096));
}

TEST_CASE("blocks that stand side by side, aligned or not, have different places") {
  TakenBlocks taken(100 + 3 * 4608, 4608);
  for (std::uint64_t block = 0; block < 3; ++block) CHECK(taken.take(100 + block * 4608));
}

TEST_CASE("of a file of very many blocks only their number is counted") {
  constexpr std::uint64_t kBlocks = TakenBlocks::kMostBits + 1;
  TakenBlocks taken(kBlocks, 1);
  std::uint64_t count = 0;
  while (taken.take(7)) ++count;
  CHECK(count == kBlocks);
}

}  // namespace
}  // namespace basecache::inspect::test
