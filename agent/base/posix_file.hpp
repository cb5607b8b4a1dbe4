#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache {

// open(2) with O_CLOEXEC added, EINTR retried; throws Error naming the path.
UniqueFd open_file(const Path& path, int flags, mode_t mode = 0);

// Whole content of a small file (records, pins, disk.info); nothing when it doesn't exist.
// Error when it is larger than `limit` or isn't a regular file.
std::optional<std::string> read_small_file(const Path& path, Bytes limit = mebibytes(1));

// Whether what is written outlives a power cut.
enum class Durability { lazy, synced };

// Replaces a small file as a whole: new file beside it, renamed over it. Readers see the old or the new content. After
// a power cut a lazy one may be the old, the new or an empty file.
void replace_small_file(const Path& path, std::string_view content, Durability durability = Durability::lazy);

// Writes all of it at the descriptor's offset, EINTR and short writes retried; `path` names it in an Error.
void write_all(int fd, std::span<const std::byte> bytes, const Path& path);

// Writes all of it at `offset`, whatever the descriptor's own is.
void write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset, const Path& path);

// Fills `out` from `offset`; returns how much there was (less only at the end of the file).
std::size_t read_at(int fd, std::span<std::byte> out, off_t offset, const Path& path);

// Where its end is: of files and block devices alike. The descriptor's offset is there afterwards.
Bytes length_of(int fd, const Path& path);

void sync_file(int fd, const Path& path);
void sync_directory(const Path& directory);

// What root makes in a directory of another user (Nova's, whose instances_path this is) is given to that user and
// group; does nothing for other users. A symbolic link itself, not what it points to.
void inherit_owner(const Path& path);

// mkdir -p with `mode` for the directories it makes, each owned as the one it is in.
void make_directories(const Path& directory, mode_t mode = 0755);

// renameat2(RENAME_NOREPLACE). False when `to` exists. Where the file system can't (NFS), link + unlink.
bool rename_no_replace(const Path& from, const Path& to);

// unlink(2); an absent file is success.
void remove_file(const Path& path);

struct FileSizes {
  Bytes apparent;
  Bytes allocated;
};
FileSizes sizes_of(const Path& path);

// Tells this file from any other that comes to stand at its path: inode, time of birth (0 where the file system keeps
// none) and length. New names, modes and times don't change it. Nothing when there is no such file.
std::optional<std::string> identity_of(const Path& path);

}  // namespace basecache
