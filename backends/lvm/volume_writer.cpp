#include "backends/lvm/volume_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/file_extent.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/base/zero_blocks.hpp"

namespace basecache::lvm {
namespace {

constexpr Bytes kSector{512};
constexpr std::size_t kReadBlock = std::size_t{1} << 20;

class VolumeWrite {
 public:
  VolumeWrite(const RawBase& base, const WriteTarget& target, const Reached& reached, const OpContext& op)
      : base_(base),
        unwritten_(target.unwritten),
        source_(open_file(base.path, O_RDONLY | O_NOFOLLOW)),
        device_(target.device),
        reached_(reached),
        op_(op),
        block_(kReadBlock) {}

  void run() {
    require_whole();
    require_room();
    std::uint64_t at = 0;
    while (const auto data = next_extent(source_.get(), at, base_.size, base_.path)) {
      blank({at, data->begin});
      copy({data->begin, data->end});
      at = data->end;
    }
    blank({at, device_.size().count});
    device_.sync();
    reached_(device_.size());
  }

 private:
  // Behind a file's end there is nothing but a hole, for all that it says. Sizes may be of whole sectors.
  void require_whole() const {
    const Bytes length = sizes_of(base_.path).apparent;
    if (length + kSector > base_.size) return;
    throw Error(ErrorCode::storage_unusable, fmt::format("base file {} has {} bytes of its {}",
                                                         quote(base_.path.native()), length.count, base_.size.count));
  }

  void require_room() const {
    if (device_.size() >= base_.size) return;
    throw Error(ErrorCode::disk_too_small,
                fmt::format("volume {} has {} bytes, base file {} has {}", quote(device_.path().native()),
                            device_.size().count, quote(base_.path.native()), base_.size.count));
  }

  void blank(ByteRange range) {
    if (unwritten_ == Unwritten::unknown) device_.zero(range, reached_, op_);
  }

  void copy(ByteRange range) {
    while (range.begin < range.end) {
      op_.check();
      const auto count = std::min<std::uint64_t>(block_.size(), range.end - range.begin);
      const auto part = std::span(block_).first(static_cast<std::size_t>(count));
      if (read_at(source_.get(), part, static_cast<off_t>(range.begin), base_.path) < part.size()) {
        throw Error(ErrorCode::storage_unusable, quote(base_.path.native()) + " became shorter");
      }
      write(part, range.begin);
      range.begin += count;
      reached_({range.begin});
    }
  }

  void write(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (unwritten_ == Unwritten::unknown) return device_.write(bytes, offset);
    for_each_run_to_write(bytes, offset,
                          [this](std::span<const std::byte> run, std::uint64_t at) { device_.write(run, at); });
  }

  const RawBase& base_;
  Unwritten unwritten_;
  UniqueFd source_;
  VolumeDevice device_;
  const Reached& reached_;
  const OpContext& op_;
  std::vector<std::byte> block_;
};

}  // namespace

void write_volume(const RawBase& base, const WriteTarget& target, const Reached& reached, const OpContext& op) {
  op.check();
  VolumeWrite(base, target, reached, op).run();
}

}  // namespace basecache::lvm
