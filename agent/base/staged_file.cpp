#include "agent/base/staged_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/base/zero_blocks.hpp"

namespace basecache {
namespace {

struct stat look_at(int fd, const Path& path) {
  struct stat found {};
  if (::fstat(fd, &found) == 0) return found;
  const int error = errno;
  throw Error::from_errno(error, "look at " + quote(path.native()));
}

Bytes length_of(const struct stat& file) { return {static_cast<std::uint64_t>(file.st_size)}; }

// Only where it isn't so already: the kernel would take it for a modification.
void set_length(int fd, Bytes length, const Path& path) {
  if (length_of(look_at(fd, path)) == length || ::ftruncate(fd, static_cast<off_t>(length.count)) == 0) return;
  const int error = errno;
  throw Error::from_errno(error, "set the length of " + quote(path.native()));
}

// Without a new time of modification: as old as the last byte is what the file is judged by.
void cut(int fd, Bytes length, const struct stat& file, const Path& path) {
  set_length(fd, length, path);
  const std::array<struct timespec, 2> times{{{0, UTIME_OMIT}, file.st_mtim}};
  (void)!::futimens(fd, times.data());
}

// What was lent to another user for a while, and never given back: its borrower, or we, were killed.
void take_back(int fd, const Path& path) {
  const uid_t owner = look_at(fd, path).st_uid;
  if (owner == ::geteuid() || ::fchown(fd, ::geteuid(), ::getegid()) == 0) return;
  const int error = errno;
  // A file system where all belongs to one user (NFS with squashed root, vfat) has lent nothing.
  struct stat directory {};
  if (::stat(path.parent_path().c_str(), &directory) == 0 && directory.st_uid == owner) return;
  throw Error::from_errno(error, "take back " + quote(path.native()));
}

}  // namespace

StagedFile StagedFile::create(Path staged_path) {
  remove_file(staged_path);
  UniqueFd fd = open_file(staged_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  return StagedFile(std::move(staged_path), std::move(fd));
}

StagedFile StagedFile::reopen(Path staged_path, Bytes length) {
  UniqueFd fd = open_file(staged_path, O_RDWR | O_NOFOLLOW);
  const struct stat found = look_at(fd.get(), staged_path);
  if (length_of(found) < length) {
    throw Error(ErrorCode::internal, fmt::format("{} has {} bytes, not {}", quote(staged_path.native()),
                                                 length_of(found).count, length.count));
  }
  take_back(fd.get(), staged_path);
  if (length < length_of(found)) cut(fd.get(), length, found, staged_path);
  StagedFile file(std::move(staged_path), std::move(fd));
  file.size_ = length;
  return file;
}

StagedFile StagedFile::reserve(Path staged_path) {
  remove_file(staged_path);
  return StagedFile(std::move(staged_path), UniqueFd{});
}

void StagedFile::adopt() {
  UniqueFd fd(::open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  const int error = errno;
  if (!fd && error == ENOENT) throw Error(ErrorCode::tool_failed, "nothing was written to " + quote(path_.native()));
  if (!fd) throw Error::from_errno(error, "open " + quote(path_.native()));
  fd_ = std::move(fd);
  size_ = sizes_of(path_).apparent;
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::move(other.fd_)), size_(other.size_), behind_(std::move(other.behind_)) {
  other.path_.clear();
}

StagedFile::~StagedFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void StagedFile::append(std::span<const std::byte> bytes) {
  for_each_run_to_write(bytes, size_.count, [this](std::span<const std::byte> run, std::uint64_t offset) {
    write_all_at(fd_.get(), run, offset, path_);
  });
  size_.count += bytes.size();
  if (behind_) behind_->wrote(Bytes{bytes.size()});
}

bool StagedFile::fill(const CopyEnd& source, Bytes size, const std::function<void(Bytes)>& reached,
                      const OpContext& op) {
  restart();
  WriteBehind behind(fd_.get(), path_, WriteBehind::Pages::retained);
  const auto copied = [&](Bytes length) {
    behind.wrote(length - size_);
    size_ = length;
    reached(length);
  };
  return copy_sparse(source, size, {fd_.get(), path_}, copied, op);
}

void StagedFile::write_behind() {
  if (!behind_) behind_ = std::make_unique<WriteBehind>(fd_.get(), path_, WriteBehind::Pages::retained);
}

void StagedFile::finish() { set_length(fd_.get(), size_, path_); }

void StagedFile::restart() {
  set_length(fd_.get(), Bytes{0}, path_);  // longer than size(), where filling it broke off
  size_ = {};
}

void StagedFile::sync() {
  finish();
  sync_file(fd_.get(), path_);
}

void StagedFile::leave() && noexcept {
  if (path_.empty()) return;
  try {
    finish();
  } catch (const std::exception&) {
    // The file only ends before a hole: a later builder finds less.
  }
  fd_.reset();
  path_.clear();
}

void StagedFile::publish(const Path& final_path) && {
  take_back(fd_.get(), path_);
  sync_file(fd_.get(), path_);
  if (::fchmod(fd_.get(), 0444) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "make " + quote(path_.native()) + " read-only");
  }
  fd_.reset();  // nobody has a visible file open for writing
  if (!rename_no_replace(path_, final_path)) {
    throw Error(ErrorCode::already_exists, quote(final_path.native()) + " is there already");
  }
  path_.clear();
  try {
    sync_directory(final_path.parent_path());
  } catch (...) {
    // What the caller is told has failed must not be visible. The lock of the name is still held.
    ::unlink(final_path.c_str());
    throw;
  }
}

}  // namespace basecache
