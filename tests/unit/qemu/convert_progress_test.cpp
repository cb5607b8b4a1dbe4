#include "backends/qemu/convert_progress.hpp"

#include <doctest/doctest.h>

using namespace basecache;
using namespace basecache::qemu;

TEST_CASE("a report of qemu-img becomes bytes of the image") {
  ConvertProgress progress(Bytes{10'000'000});
  CHECK(progress.feed("    (0.00/100%)\r") == Bytes{0});
  CHECK(progress.feed("    (12.34/100%)\r") == Bytes{1'234'000});
  CHECK(progress.feed("    (100.00/100%)\r    (100.00/100%)\n") == Bytes{10'000'000});
}

TEST_CASE("a report may be cut anywhere") {
  ConvertProgress progress(Bytes{200});
  CHECK(progress.feed("  (50") == std::nullopt);
  CHECK(progress.feed(".00/10") == std::nullopt);
  CHECK(progress.feed("0%)\r   (7") == Bytes{100});
  CHECK(progress.feed("5.00/100%)") == Bytes{150});
}

TEST_CASE("other words are passed over, in bounded memory") {
  ConvertProgress progress(Bytes{200});
  CHECK(progress.feed(std::string(100'000, '(')) == std::nullopt);
  CHECK(progress.feed("(x.yz/100%)") == std::nullopt);
  CHECK(progress.feed("(50/100%)") == std::nullopt);
  CHECK(progress.feed("(999.00/100%)") == std::nullopt);
  CHECK(progress.feed("/100%)") == std::nullopt);
  CHECK(progress.feed("(50.00/100%)") == Bytes{100});
}

TEST_CASE("the largest image doesn't overflow") {
  const Bytes largest{~std::uint64_t{0}};
  ConvertProgress progress(largest);
  CHECK(progress.feed("(100.00/100%)") == largest);
}
