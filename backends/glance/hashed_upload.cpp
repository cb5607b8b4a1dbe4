#include "backends/glance/hashed_upload.hpp"

#include <fcntl.h>

#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::glance {
namespace {

constexpr std::uint64_t kReportStride = 4 << 20;
constexpr std::size_t kBlock = 1 << 20;

FileState regular_file(int fd, const Path& path) {
  const FileState state = state_of(fd, path);
  if (state.is_regular) return state;
  throw Error(ErrorCode::invalid_request, quote(path.native()) + " is not a regular file")
      .set_hint("upload a file: it may have to be read twice");
}

std::size_t read_block(int fd, std::span<std::byte> room, std::uint64_t offset, const Path& path) {
  return read_at(fd, room, static_cast<off_t>(offset), path);
}

}  // namespace

// O_NONBLOCK: a fifo without a writer must not hold us.
HashedUpload::HashedUpload(const Path& file, std::string subject, const OpContext& op)
    : path_(file),
      subject_(std::move(subject)),
      op_(op),
      file_(open_file(file, O_RDONLY | O_NONBLOCK)),
      seen_(regular_file(file_.get(), file)) {}

void HashedUpload::rewind() {
  position_ = reported_ = 0;
  hasher_.restart();
  digest_.reset();
}

std::size_t HashedUpload::read(std::span<std::byte> room) {
  const std::size_t count = read_block(file_.get(), room, position_, path_);
  position_ += count;
  const bool at_end = count == 0;
  if (at_end) check_unchanged();
  if (!at_end) hasher_.update(room.first(count));
  if (at_end && !digest_) digest_ = hasher_.finish();
  if (at_end || position_ - reported_ >= kReportStride) {
    reported_ = position_;
    op_.report({.step = "upload", .subject = subject_, .done = position_, .total = seen_.size.count});
  }
  return count;
}

void HashedUpload::check_unchanged() const {
  if (state_of(file_.get(), path_) == seen_ && position_ == seen_.size.count) return;
  throw Error(ErrorCode::in_use, quote(path_.native()) + " was changed while it was uploaded")
      .set_hint("wait until whoever writes it is done, and upload it again");
}

Digest HashedUpload::digest(DigestAlgorithm algorithm) const {
  if (algorithm == DigestAlgorithm::sha512 && digest_) return *digest_;
  Hasher hasher(algorithm);
  std::vector<std::byte> block(kBlock);
  std::uint64_t offset = 0;
  while (const std::size_t count = read_block(file_.get(), block, offset, path_)) {
    op_.check();
    hasher.update(std::span(block).first(count));
    offset += count;
  }
  check_unchanged();
  return hasher.finish();
}

}  // namespace basecache::glance
