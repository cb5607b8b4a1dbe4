#include "backends/guest/disk_view.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"

namespace basecache::guest {

void DiskView::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset) {
    throw Error(ErrorCode::storage_unusable, "a read beyond the end of the guest's disk");
  }
  const std::size_t got = read_at(fd_, out, static_cast<off_t>(offset), "the guest's disk");
  std::ranges::fill(out.subspan(got), std::byte{0});
}

}  // namespace basecache::guest
