#include "backends/inspect/raw_content.hpp"

namespace basecache::inspect {

// UEFI 5.3.2: the header is in the second block, of 512 or of 4096 bytes.
bool has_gpt(const ImageSample& sample) {
  const ByteReader head(sample.head(), ByteOrder::little, "the disk");
  return head.holds(512, "EFI PART") || head.holds(4096, "EFI PART");
}

}  // namespace basecache::inspect
