#include "backends/registry/steady_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::registry {
namespace {

// Large enough for the disk's read-ahead, small enough that a cancelled operation ends soon.
constexpr std::size_t kBlock = std::size_t{1} << 20;

// Where the next data or the next hole begins, at most `end`. File systems that don't know holes show data only.
off_t next(int whence, int fd, off_t at, off_t end) {
  const off_t found = ::lseek(fd, at, whence);
  if (found >= 0) return std::min(found, end);
  const int error = errno;
  if (whence == SEEK_DATA && error != ENXIO) return at;
  return end;
}

Error changed(const Path& path) {
  return Error(ErrorCode::source_unavailable, quote(path.native()) + " was changed while it was read")
      .set_hint("wait until whoever writes it is done");
}

// Walks a file as its runs of data and holes.
class BlockReader {
 public:
  BlockReader(const SteadyFile& file, const SteadyFile::TakeBlock& take, const OpContext& op)
      : file_(file), take_(take), op_(op), block_(kBlock) {}

  void read_all() {
    const auto end = static_cast<off_t>(file_.size().count);
    while (at_ < end) {
      const off_t data = next(SEEK_DATA, file_.fd(), at_, end);
      give_hole(data);
      if (data < end) give_content(next(SEEK_HOLE, file_.fd(), data, end));
    }
  }

 private:
  std::span<std::byte> block_until(off_t end) {
    op_.check();
    return std::span(block_).first(std::min(kBlock, static_cast<std::size_t>(end - at_)));
  }

  void give(std::span<const std::byte> bytes) {
    take_(bytes);
    at_ += static_cast<off_t>(bytes.size());
  }

  void give_hole(off_t end) {
    if (at_ == end) return;
    std::ranges::fill(block_, std::byte{0});
    while (at_ < end) give(block_until(end));
  }

  void give_content(off_t end) {
    while (at_ < end) {
      const std::span<std::byte> block = block_until(end);
      read(block);
      give(block);
    }
  }

  void read(std::span<std::byte> block) {
    std::size_t count = 0;
    try {
      count = read_at(file_.fd(), block, at_, file_.path());
    } catch (const Error& error) {
      // An I/O error of the source says nothing about our own storage.
      throw Error(ErrorCode::source_unavailable, error.message());
    }
    if (count < block.size()) throw changed(file_.path());
  }

  const SteadyFile& file_;
  const SteadyFile::TakeBlock& take_;
  const OpContext& op_;
  std::vector<std::byte> block_;
  off_t at_ = 0;
};

}  // namespace

SteadyFile SteadyFile::open(const Path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  const int error = errno;
  if (!fd) throw cannot_open(error, path);
  return {std::move(fd), path};
}

SteadyFile::SteadyFile(UniqueFd fd, Path path)
    : fd_(std::move(fd)), path_(std::move(path)), seen_(state_of(fd_.get(), path_)) {
  if (!seen_.is_regular)
    throw Error(ErrorCode::forbidden, quote(path_.native()) + " is not a regular file")
        .set_hint("name a file: a raw image in a device must be copied out of it first");
}

void SteadyFile::read_all(const TakeBlock& take, const OpContext& op) const {
  (void)::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  BlockReader(*this, take, op).read_all();
  check_unchanged();
}

void SteadyFile::send_to(fetch::ImageSink& sink, const OpContext& op) const {
  if (op.transfers().bytes_per_second.now()) {
    sink.start({.size = size(), .version = ""});
    return read_all([&](std::span<const std::byte> block) { sink.write(block); }, op);
  }
  sink.start({.size = size(), .version = "", .file = fd()});
  check_unchanged();
}

void SteadyFile::check_unchanged() const {
  if (state_of(fd_.get(), path_) != seen_) throw changed(path_);
}

Error cannot_open(int error_number, const Path& path) {
  const Error plain = Error::from_errno(error_number, "open " + quote(path.native()));
  const auto failure = [&](ErrorCode code) { return Error(code, plain.message()).add_field("path", path.native()); };
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return failure(ErrorCode::image_not_found).set_hint("look for it on this node: it is the agent who reads it");
    case EACCES:
    case EPERM:
      return failure(ErrorCode::source_unauthorized).set_hint("let the agent's user read the file");
    case ELOOP:
    case EXDEV:
      return failure(ErrorCode::forbidden).set_hint("name the file itself: symbolic links are not followed");
    case EAGAIN:  // somebody holds a lease on it
    case EIO:
    case ENXIO:
    case ESTALE:
      return failure(ErrorCode::source_unavailable);
    default:
      return plain;
  }
}

}  // namespace basecache::registry
