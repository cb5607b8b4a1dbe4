#include "agent/base/sparse_copy.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/file_extent.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

// Between two looks at a cancellation: some ten milliseconds of a slow disk.
constexpr off_t kRangeBlock = 8 << 20;
constexpr std::size_t kReadBlock = 1 << 20;

bool is_unsupported(int error) {
  constexpr std::array<int, 6> errors{EOPNOTSUPP, ENOSYS, EXDEV, EINVAL, ENOTTY, EPERM};
  return std::ranges::find(errors, error) != errors.end();
}

class SparseCopy {
 public:
  SparseCopy(const CopyEnd& source, Bytes size, const CopyEnd& target, const CopyTerms& terms)
      : source_(source),
        target_(target),
        size_(static_cast<off_t>(size.count)),
        method_(terms.first),
        slots_(terms.slots) {}

  bool run(const std::function<void(Bytes)>& reached, const OpContext& op) {
    const bool cloned = clone();
    if (cloned) {
      set_length();  // the source may have grown meanwhile
    } else {
      copy_extents(reached, op);
    }
    reached(as_bytes(size_));
    return cloned;
  }

 private:
  void copy_extents(const std::function<void(Bytes)>& reached, const OpContext& op) {
    std::optional<Slots::Slot> slot;
    if (slots_ != nullptr) slot.emplace(slots_->take(op));
    set_length();  // whatever isn't written below is a hole
    off_t at = 0;
    while (const auto data = next_extent(source_.fd, as_bytes(at).count, as_bytes(size_), source_.path)) {
      const auto end = static_cast<off_t>(data->end);
      for (at = static_cast<off_t>(data->begin); at < end; reached(as_bytes(at))) {
        op.check();
        at += copy_some(at, end - at);
      }
    }
  }

  static Bytes as_bytes(off_t offset) { return {static_cast<std::uint64_t>(offset)}; }

  [[noreturn]] void fail(int error, std::string_view doing) const {
    throw Error::from_errno(
        error, std::string(doing) + " " + quote(source_.path.native()) + " to " + quote(target_.path.native()));
  }

  bool clone() {
    if (method_ != CopyMethod::clone) return false;
    if (::ioctl(target_.fd, FICLONE, source_.fd) == 0) return true;
    const int error = errno;
    if (!is_unsupported(error)) fail(error, "clone");
    method_ = CopyMethod::copy_range;
    return false;
  }

  void set_length() const {
    if (::ftruncate(target_.fd, size_) == 0) return;
    fail(errno, "set the length of the copy of");
  }

  // Copies a part of what stands at `at`, at most `length`; returns how much it was.
  off_t copy_some(off_t at, off_t length) {
    if (method_ == CopyMethod::copy_range) {
      if (const auto copied = copy_range(at, std::min(length, kRangeBlock))) return *copied;
      method_ = CopyMethod::read_write;
      block_.resize(kReadBlock);
    }
    return read_write(at, length);
  }

  // Nothing when the file systems can't.
  std::optional<off_t> copy_range(off_t at, off_t length) const {
    while (true) {
      off_t in = at;
      off_t out = at;
      const ssize_t copied = ::copy_file_range(source_.fd, &in, target_.fd, &out, static_cast<std::size_t>(length), 0);
      const int error = errno;
      if (copied > 0) return copied;
      if (copied == 0 || is_unsupported(error)) return std::nullopt;  // 0: some file systems' way to say so
      if (error != EINTR) fail(error, "copy");
    }
  }

  off_t read_write(off_t at, off_t length) {
    block_.resize(kReadBlock);
    const auto wanted = std::min<std::uint64_t>(block_.size(), static_cast<std::uint64_t>(length));
    const auto part = std::span(block_).first(static_cast<std::size_t>(wanted));
    const std::size_t count = read_at(source_.fd, part, at, source_.path);
    if (count == 0) throw Error(ErrorCode::storage_unusable, quote(source_.path.native()) + " became shorter");
    write_all_at(target_.fd, part.first(count), static_cast<std::uint64_t>(at), target_.path);
    return static_cast<off_t>(count);
  }

  const CopyEnd& source_;
  const CopyEnd& target_;
  off_t size_;
  CopyMethod method_;
  Slots* slots_;
  std::vector<std::byte> block_;  // for read_write
};

}  // namespace

bool copy_sparse(const CopyEnd& source, Bytes size, const CopyEnd& target, const std::function<void(Bytes)>& reached,
                 const OpContext& op, const CopyTerms& terms) {
  op.check();
  return SparseCopy(source, size, target, terms).run(reached, op);
}

void copy_sparse(const Path& source, const Path& target, const std::function<void(Bytes)>& reached, const OpContext& op,
                 const CopyTerms& terms) {
  const UniqueFd from = open_file(source, O_RDONLY | O_NOFOLLOW);
  const UniqueFd to = open_file(target, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  copy_sparse({from.get(), source}, sizes_of(source).apparent, {to.get(), target}, reached, op, terms);
}

}  // namespace basecache
