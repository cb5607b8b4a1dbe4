#include "backends/inspect/kept_range.hpp"

#include <algorithm>

namespace basecache::inspect {

void KeptRange::feed(std::span<const std::byte> bytes, std::uint64_t position) {
  const std::uint64_t next = wanted_.offset + bytes_.size();  // the first byte that has not passed
  if (next < position || next - position >= bytes.size()) return;
  const std::span<const std::byte> rest = bytes.subspan(next - position);
  const std::size_t count = std::min<std::uint64_t>(wanted_.length - bytes_.size(), rest.size());
  if (bytes_.empty()) bytes_.reserve(wanted_.length);  // growing would take twice as much meanwhile
  bytes_.insert(bytes_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace basecache::inspect
