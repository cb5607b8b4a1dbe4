#include "backends/inspect/magic.hpp"

#include "backends/inspect/byte_reader.hpp"

namespace basecache::inspect {

bool begins_with(const ImageSample& sample, std::string_view magic) {
  const ByteReader head(sample.head(), ByteOrder::big, "the file");
  if (head.size() >= magic.size()) return head.holds(0, magic);
  return head.size() > 1 && magic.starts_with(head.text(0, head.size()));
}

}  // namespace basecache::inspect
