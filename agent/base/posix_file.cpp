#include "agent/base/posix_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

std::string on(std::string_view doing, const Path& path) { return fmt::format("{} {}", doing, quote(path.native())); }

// Unique in this process and, by the process id, on the node.
Path half_made_name(const Path& path) {
  static std::atomic<unsigned> counter{0};
  return path.parent_path() / fmt::format(".{}.{}.{}.new", path.filename().native(), ::getpid(), ++counter);
}

}  // namespace

UniqueFd open_file(const Path& path, int flags, mode_t mode) {
  while (true) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    const int error = errno;
    if (fd) return fd;
    if (error != EINTR) throw Error::from_errno(error, on("open", path));
  }
}

std::optional<std::string> read_small_file(const Path& path, Bytes limit) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const int error = errno;
  if (!fd && (error == ENOENT || error == ENOTDIR)) return std::nullopt;
  if (!fd) throw Error::from_errno(error, on("open", path));
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) {
    const int stat_error = errno;
    throw Error::from_errno(stat_error, on("look at", path));
  }
  if (!S_ISREG(found.st_mode))
    throw Error(ErrorCode::storage_unusable, quote(path.native()) + " is not a regular file");
  if (static_cast<std::uint64_t>(found.st_size) > limit.count) {
    throw Error(ErrorCode::storage_unusable, fmt::format("{} is larger than {}", quote(path.native()), to_text(limit)));
  }
  std::string content(static_cast<std::size_t>(found.st_size), '\0');
  content.resize(read_at(fd.get(), std::as_writable_bytes(std::span(content)), 0, path));
  return content;
}

void replace_small_file(const Path& path, std::string_view content, Durability durability) {
  const Path half_made = half_made_name(path);
  try {
    const UniqueFd fd = open_file(half_made, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
    write_all(fd.get(), std::as_bytes(std::span(content)), half_made);
    if (durability == Durability::synced) sync_file(fd.get(), half_made);
    if (::rename(half_made.c_str(), path.c_str()) != 0) {
      const int error = errno;
      throw Error::from_errno(error, on("replace", path));
    }
    if (durability == Durability::synced) sync_directory(path.parent_path());
  } catch (...) {
    ::unlink(half_made.c_str());
    throw;
  }
}

void write_all(int fd, std::span<const std::byte> bytes, const Path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    const int error = errno;
    if (written < 0 && error == EINTR) continue;
    if (written < 0) throw Error::from_errno(error, on("write", path));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset, const Path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    const int error = errno;
    if (written < 0 && error == EINTR) continue;
    if (written < 0) throw Error::from_errno(error, "write " + quote(path.native()));
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

std::size_t read_at(int fd, std::span<std::byte> out, off_t offset, const Path& path) {
  std::size_t total = 0;
  while (total < out.size()) {
    const ssize_t count = ::pread(fd, out.data() + total, out.size() - total, offset + static_cast<off_t>(total));
    const int error = errno;
    if (count < 0 && error == EINTR) continue;
    if (count < 0) throw Error::from_errno(error, on("read", path));
    if (count == 0) break;
    total += static_cast<std::size_t>(count);
  }
  return total;
}

Bytes length_of(int fd, const Path& path) {
  const off_t end = ::lseek(fd, 0, SEEK_END);
  const int error = errno;
  if (end < 0) throw Error::from_errno(error, on("tell the length of", path));
  return {static_cast<std::uint64_t>(end)};
}

void sync_file(int fd, const Path& path) {
  if (::fsync(fd) == 0) return;
  const int error = errno;
  throw Error::from_errno(error, on("sync", path));
}

void sync_directory(const Path& directory) {
  const UniqueFd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  sync_file(fd.get(), directory);
}

void inherit_owner(const Path& path) {
  struct stat own {};
  struct stat parent {};
  if (::geteuid() != 0 || ::lstat(path.c_str(), &own) != 0) return;
  if (::stat(path.parent_path().c_str(), &parent) != 0) return;
  if (own.st_uid == parent.st_uid && own.st_gid == parent.st_gid) return;
  if (::lchown(path.c_str(), parent.st_uid, parent.st_gid) != 0) {
    const int error = errno;
    throw Error::from_errno(error, on("give away", path));
  }
}

void make_directories(const Path& directory, mode_t mode) {
  if (::mkdir(directory.c_str(), mode) == 0) return inherit_owner(directory);
  const int error = errno;
  if (error == ENOENT && directory.has_parent_path() && directory.parent_path() != directory) {
    make_directories(directory.parent_path(), mode);
    return make_directories(directory, mode);
  }
  struct stat found {};
  if (error == EEXIST && ::stat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return;
  throw Error::from_errno(error, on("make directory", directory));
}

bool rename_no_replace(const Path& from, const Path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  int error = errno;
  if (error == EINVAL || error == ENOSYS) {
    if (::link(from.c_str(), to.c_str()) == 0) {
      remove_file(from);
      return true;
    }
    error = errno;
  }
  if (error == EEXIST) return false;
  throw Error::from_errno(error, on("rename", from) + " to " + quote(to.native()));
}

void remove_file(const Path& path) {
  if (::unlink(path.c_str()) == 0) return;
  const int error = errno;
  if (error != ENOENT) throw Error::from_errno(error, on("remove", path));
}

FileSizes sizes_of(const Path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    const int error = errno;
    throw Error::from_errno(error, on("look at", path));
  }
  return {.apparent = {static_cast<std::uint64_t>(found.st_size)},
          .allocated = {static_cast<std::uint64_t>(found.st_blocks) * 512}};
}

std::optional<std::string> identity_of(const Path& path) {
  struct statx found {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_SIZE | STATX_BTIME, &found) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return std::nullopt;
    throw Error::from_errno(error, on("look at", path));
  }
  return fmt::format("{}:{}.{:09}:{}", found.stx_ino, found.stx_btime.tv_sec, found.stx_btime.tv_nsec, found.stx_size);
}

}  // namespace basecache
