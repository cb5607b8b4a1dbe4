// Whatever disk: what is to be injected goes into the partition that is asked for and nowhere else, or it is told why
// not; what changes is what the child may hand back. The disk's last byte says which partition.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/unique_fd.hpp"
#include "backends/guest/apply_injection.hpp"
#include "backends/guest/disk_changes.hpp"
#include "backends/guest/root_partition.hpp"
#include "backends/guest/unsupported_file_system.hpp"

namespace {

using namespace basecache;
using namespace basecache::guest;
using injection::ItemKind;

// Zeros behind the bytes: the corpus has only what isn't.
constexpr std::uint64_t kDiskSize = 1 << 20;
constexpr std::array kPartitions = {injection::kWholeDisk, injection::kInspect, 1, 2, 5};

void require(bool holds) {
  if (!holds) std::abort();
}

injection::Injection everything(int partition) {
  return {.partition = partition,
          .items = {{ItemKind::key, "ssh-ed25519 AAAA me", {}},
                    {ItemKind::network, "auto lo\n", {}},
                    {ItemKind::metadata, "{}", {}},
                    {ItemKind::admin_password, "$6$salt$crypt", {}},
                    {ItemKind::files, {}, {{"/etc/motd", std::string(3000, 'm')}, {"/link/deep/er", "x"}}}}};
}

void require_within(const Partition& root, const DiskChanges& changes, const DiskView& disk) {
  for (const DiskChange& change : changes) {
    std::vector<std::byte> before(change.bytes.size());
    disk.read(change.offset, before);
    for (std::size_t i = 0; i < before.size(); ++i) {
      const std::uint64_t at = change.offset + i;
      require(before[i] == change.bytes[i] || (at >= root.offset && at - root.offset < root.size));
    }
  }
}

void inject(const DiskView& disk, int partition) {
  ChangedPages pages(disk, kMostChangedPages);
  const injection::Injection wanted = everything(partition);
  const auto failures = apply_injection(wanted, disk, pages);
  require(failures_from(to_text(failures), wanted).size() == failures.size());
  require_within(root_partition(disk, partition), changes_from(to_bytes(changes_of(pages)), disk.size()), disk);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kDiskSize) return -1;
  const UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  write_all(file.get(), std::as_bytes(std::span(data, size)), "disk");
  try {
    inject(DiskView(file.get(), kDiskSize), kPartitions.at(data[size - 1] % kPartitions.size()));
  } catch (const UnsupportedFileSystem&) {
    return 0;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::image_unacceptable);
  }
  return 0;
}
