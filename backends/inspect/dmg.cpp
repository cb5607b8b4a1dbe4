#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// block/dmg.c: its only header is a trailer of 512 bytes.
bool is_dmg(const ImageSample& sample) {
  const ByteReader tail(sample.tail(), ByteOrder::big, "the dmg trailer");
  return tail.size() >= 512 && tail.holds(tail.size() - 512, std::string_view("koly\0\0\0\4", 8));
}

}  // namespace basecache::inspect
