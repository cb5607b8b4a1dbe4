#include "agent/base/byte_size.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace basecache {

TEST_CASE("sizes are shown in the largest binary unit that gives at least one") {
  CHECK(to_text({0}) == "0 B");
  CHECK(to_text({1023}) == "1023 B");
  CHECK(to_text(kibibytes(1)) == "1 KiB");
  CHECK(to_text({1536}) == "1.5 KiB");
  CHECK(to_text(gibibytes(4)) == "4 GiB");
  CHECK(to_text({604'189'491}) == "576.2 MiB");
  CHECK(to_text({std::numeric_limits<std::uint64_t>::max()}) == "16 EiB");
}

TEST_CASE("sizes compare and add") {
  CHECK(mebibytes(1024) == gibibytes(1));
  CHECK(kibibytes(1) < mebibytes(1));
  CHECK(kibibytes(3) - kibibytes(1) + kibibytes(2) == kibibytes(4));
}

}  // namespace basecache
