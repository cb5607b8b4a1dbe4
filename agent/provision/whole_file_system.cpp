#include "agent/provision/whole_file_system.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"

namespace basecache::provision {
namespace {

// UEFI 5.2.1: four entries of 16 bytes, the flag first, the type in the fifth byte, then the signature.
constexpr std::size_t kEntriesAt = 446;
constexpr std::size_t kEntryBytes = 16;
constexpr std::size_t kTypeAt = 4;
constexpr std::size_t kSignatureAt = 510;
constexpr unsigned char kActive = 0x80;
// UEFI 5.3.2: in the second block, of 512 or of 4096 bytes.
constexpr std::string_view kGuidTable = "EFI PART";
constexpr std::size_t kBeginningBytes = 4096 + kGuidTable.size();

using Beginning = std::array<char, kBeginningBytes>;

bool holds(const Beginning& bytes, std::size_t at, std::string_view what) {
  return std::string_view(bytes.data() + at, what.size()) == what;
}

// The boot sector of a file system ends in the same signature, with code or text where partitions would stand.
bool has_boot_record(const Beginning& bytes) {
  if (!holds(bytes, kSignatureAt, "\x55\xaa")) return false;
  bool has_partition = false;
  for (std::size_t at = kEntriesAt; at < kSignatureAt; at += kEntryBytes) {
    const auto flag = static_cast<unsigned char>(bytes[at]);
    if (flag != 0 && flag != kActive) return false;
    has_partition = has_partition || bytes[at + kTypeAt] != 0;
  }
  return has_partition;
}

}  // namespace

bool has_partition_table(std::span<const std::byte> beginning) {
  Beginning bytes{};
  const auto known = std::as_writable_bytes(std::span(bytes));
  std::ranges::copy(beginning.first(std::min(beginning.size(), known.size())), known.begin());
  return has_boot_record(bytes) || holds(bytes, 512, kGuidTable) || holds(bytes, 4096, kGuidTable);
}

void require_whole_file_system(const cache::BaseFile& base) {
  if (base.format() != model::DiskFormat::raw) return;
  std::array<std::byte, kBeginningBytes> beginning{};
  const UniqueFd fd = open_file(base.path(), O_RDONLY | O_NOFOLLOW);
  (void)read_at(fd.get(), beginning, 0, base.path());
  if (!has_partition_table(beginning)) return;
  throw Error(ErrorCode::image_unacceptable,
              "base file " + base.key().text() + " has a partition table; a container's root is one file system")
      .set_hint("upload the root file system alone, without partitions, or run it with virt_type kvm or qemu");
}

}  // namespace basecache::provision
