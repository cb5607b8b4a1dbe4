#include "backends/lvm/volume_clear.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/zero_blocks.hpp"

namespace basecache::lvm {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr int kShredPasses = 3;

void fill_randomly(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
    const int error = errno;
    if (count < 0 && error != EINTR) throw Error::from_errno(error, "make random bytes");
    bytes = bytes.subspan(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
}

class VolumeClear {
 public:
  VolumeClear(const Path& device, ClearMethod method, const Reached& reached, const OpContext& op)
      : device_(device), method_(method), reached_(reached), op_(op), block_(kBlock) {}

  void run(Unwritten unwritten, Bytes most) {
    const std::uint64_t end = most == Bytes{0} ? device_.size().count : std::min(most, device_.size()).count;
    if (method_ == ClearMethod::zero && unwritten == Unwritten::unknown) {
      device_.zero({0, end}, reached_, op_);
      return device_.sync();
    }
    for (std::uint64_t at = 0; at < end; at += VolumeDevice::kWindow) {
      const ByteRange window{at, std::min(end, at + VolumeDevice::kWindow)};
      overwrite(unwritten == Unwritten::zeros ? written_ranges(window) : std::vector{window});
      reached_({window.end});
    }
  }

 private:
  void overwrite(const std::vector<ByteRange>& ranges) {
    const int passes = method_ == ClearMethod::shred ? kShredPasses : 1;
    for (int pass = 0; pass < passes; ++pass) {
      op_.check();
      for (const ByteRange& range : ranges) overwrite(range);
      device_.sync();  // else the disk would see the last pass only
    }
  }

  void overwrite(ByteRange range) {
    for_each_block(range, [this](std::span<std::byte> block, std::uint64_t offset) {
      if (method_ == ClearMethod::shred) {
        fill_randomly(block);
      } else {
        std::ranges::fill(block, std::byte{0});
      }
      device_.write(block, offset);
    });
  }

  // What doesn't read as zeros of it.
  std::vector<ByteRange> written_ranges(ByteRange window) {
    std::vector<ByteRange> ranges;
    for_each_block(window, [&](std::span<std::byte> block, std::uint64_t offset) {
      device_.read(block, offset);
      for_each_run_to_write(block, offset, [&](std::span<const std::byte> run, std::uint64_t at) {
        ranges.push_back({at, at + run.size()});
      });
    });
    return ranges;
  }

  template <class Take>
  void for_each_block(ByteRange range, Take take) {
    while (range.begin < range.end) {
      const auto count = std::min<std::uint64_t>(block_.size(), range.end - range.begin);
      take(std::span(block_).first(static_cast<std::size_t>(count)), range.begin);
      range.begin += count;
    }
  }

  VolumeDevice device_;
  ClearMethod method_;
  const Reached& reached_;
  const OpContext& op_;
  std::vector<std::byte> block_;
};

}  // namespace

void clear_volume(const Path& device, Unwritten unwritten, const ClearPolicy& policy, const Reached& reached,
                  const OpContext& op) {
  op.check();
  if (policy.method == ClearMethod::none) return;
  VolumeClear(device, policy.method, reached, op).run(unwritten, policy.size);
}

}  // namespace basecache::lvm
