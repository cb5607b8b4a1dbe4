#include "backends/lvm/volume_device.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::lvm {
namespace {

// Every device's logical blocks are as large or smaller; BLKZEROOUT takes whole ones only.
constexpr std::uint64_t kBlock = 4096;
constexpr std::size_t kZerosAtOnce = std::size_t{1} << 20;

// O_EXCL on a block device: fails while it is mounted or part of another device.
UniqueFd open_device(const Path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  const int error = errno;
  if (fd) return fd;
  const std::string doing = "open volume " + quote(path.native());
  if (error == EBUSY) throw Error(ErrorCode::in_use, "cannot " + doing + ": it is mounted, or a device stands on it");
  if (error == ENOENT) throw Error(ErrorCode::not_found, "cannot " + doing + ": it isn't there");
  throw Error::from_errno(error, doing);
}

bool is_unsupported(int error) {
  constexpr std::array<int, 4> errors{ENOTTY, EOPNOTSUPP, EINVAL, ENOSYS};
  return std::ranges::find(errors, error) != errors.end();
}

std::span<const std::byte> zeros() {
  static const std::array<std::byte, kZerosAtOnce> block{};
  return block;
}

}  // namespace

VolumeDevice::VolumeDevice(const Path& path)
    : path_(path), fd_(open_device(path)), size_(length_of(fd_.get(), path)), behind_(fd_.get(), path) {}

void VolumeDevice::read(std::span<std::byte> out, std::uint64_t offset) const {
  if (read_at(fd_.get(), out, static_cast<off_t>(offset), path_) == out.size()) return;
  throw Error(ErrorCode::storage_unusable, quote(path_.native()) + " ends before its end");
}

void VolumeDevice::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  write_all_at(fd_.get(), bytes, offset, path_);
  behind_.wrote({bytes.size()});
}

void VolumeDevice::zero(ByteRange range, const Reached& reached, const OpContext& op) {
  while (range.begin < range.end) {
    op.check();
    const std::uint64_t end = std::min(range.end, (range.begin / kWindow + 1) * kWindow);
    zero_window({range.begin, end});
    range.begin = end;
    reached({end});
  }
}

void VolumeDevice::zero_window(ByteRange range) {
  const ByteRange blocks{(range.begin + kBlock - 1) / kBlock * kBlock, range.end / kBlock * kBlock};
  if (blocks.begin >= blocks.end || !zero_out(blocks)) return write_zeros(range);
  write_zeros({range.begin, blocks.begin});
  write_zeros({blocks.end, range.end});
}

bool VolumeDevice::zero_out(ByteRange range) {
  if (!can_zero_out_) return false;
  std::array<std::uint64_t, 2> start_and_length{range.begin, range.end - range.begin};
  while (::ioctl(fd_.get(), BLKZEROOUT, start_and_length.data()) != 0) {
    const int error = errno;
    if (error == EINTR) continue;
    if (!is_unsupported(error)) throw Error::from_errno(error, "zero " + quote(path_.native()));
    can_zero_out_ = false;
    return false;
  }
  return true;
}

void VolumeDevice::write_zeros(ByteRange range) {
  while (range.begin < range.end) {
    const auto count = std::min<std::uint64_t>(kZerosAtOnce, range.end - range.begin);
    write(zeros().first(static_cast<std::size_t>(count)), range.begin);
    range.begin += count;
  }
}

void VolumeDevice::sync() const {
  sync_file(fd_.get(), path_);
  drop_pages(fd_.get(), Bytes{0});
}

}  // namespace basecache::lvm
