#include "backends/inspect/raw_content.hpp"

#include <array>
#include <cstdint>

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kVolumeDescriptorsAt = 32'768;
constexpr std::array<std::string_view, 4> kVolumeDescriptors{"CD001", "BEA01", "NSR02", "NSR03"};

bool is_optical(const ByteReader& head) {
  for (const std::string_view id : kVolumeDescriptors) {
    if (head.holds(kVolumeDescriptorsAt + 1, id)) return true;
  }
  return false;
}

// The two last bytes alone also stand in boot sectors of file systems and, by chance, elsewhere: all four entries must
// be possible, and one must be used.
bool is_partitioned(const ByteReader& head) {
  if (!head.holds(510, "\x55\xaa")) return false;
  bool used = false;
  for (std::uint64_t entry = 446; entry < 510; entry += 16) {
    const std::uint8_t boot_flag = head.u8(entry);
    if (boot_flag != 0 && boot_flag != 0x80) return false;
    used = used || (head.u8(entry + 4) != 0 && head.u32(entry + 12) != 0);
  }
  return used;
}

}  // namespace

std::optional<std::string_view> raw_content(const ImageSample& sample) {
  const ByteReader head(sample.head(), ByteOrder::little, "the disk");
  if (is_optical(head)) return "an ISO 9660 or UDF file system";
  if (is_partitioned(head)) return "a partition table";
  return std::nullopt;
}

}  // namespace basecache::inspect
