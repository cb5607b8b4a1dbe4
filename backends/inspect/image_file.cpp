#include "backends/inspect/image_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "agent/base/posix_file.hpp"
#include "backends/inspect/refusal.hpp"

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kBlock = 65'536;  // a multiple of every width

}  // namespace

ImageFile::ImageFile(const Path& path, const OpContext& op)
    : file_(open_file(path, O_RDONLY)), path_(path), op_(op), length_(sizes_of(path).apparent.count) {}

std::vector<std::byte> ImageFile::read(ByteRange range) const {
  if (!holds(range)) {
    refuse(Check::truncated,
           fmt::format("it is truncated: {} bytes at {} aren't inside the file of {} bytes", range.length, range.offset,
                       length_),
           kFetchAgain);
  }
  std::vector<std::byte> bytes(std::min<std::uint64_t>(range.length, kBlock));
  bytes.resize(read_at(file_.get(), bytes, static_cast<off_t>(range.offset), path_));
  return bytes;
}

void ImageFile::for_each(const NumberTable& table,
                         const std::function<void(std::uint64_t, std::uint64_t)>& visit) const {
  // Not cleared: most tables are small, and an image can have millions.
  const std::uint64_t size = std::min(kBlock, table.entries * table.width);
  const auto block = std::make_unique_for_overwrite<std::byte[]>(size);
  const std::uint64_t per_block = kBlock / table.width;
  for (std::uint64_t first = 0; first < table.entries; first += per_block) {
    op_.check();
    const std::uint64_t wanted = std::min(per_block, table.entries - first) * table.width;
    const auto at = static_cast<off_t>(table.offset + first * table.width);
    const std::span<std::byte> part(block.get(), wanted);
    const std::size_t count = read_at(file_.get(), part, at, path_);
    const ByteReader numbers(part.first(count), table.order, "a table");
    for (std::uint64_t i = 0; (i + 1) * table.width <= count; ++i) {
      visit(first + i, table.width == 4 ? numbers.u32(i * 4) : numbers.u64(i * 8));
    }
    if (count < wanted) return;
  }
}

}  // namespace basecache::inspect
