#include "agent/prune/directory_entries.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::prune {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Error unreadable(int error, const Path& directory) {
  return Error::from_errno(error, "read directory " + quote(directory.native()));
}

// Not every file system says it in the directory. Unknown: it is gone meanwhile.
int type_of(const struct dirent& entry, const Path& directory) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type;
  struct stat found {};
  if (::lstat((directory / entry.d_name).c_str(), &found) == 0) return IFTODT(found.st_mode);
  const int error = errno;
  if (error == ENOENT) return DT_UNKNOWN;
  throw Error::from_errno(error, "look at " + quote((directory / entry.d_name).native()));
}

DirectoryEntry::Kind kind_of(int type) {
  switch (type) {
    case DT_REG:
      return DirectoryEntry::Kind::file;
    case DT_DIR:
      return DirectoryEntry::Kind::directory;
    case DT_LNK:
      return DirectoryEntry::Kind::link;
    default:
      return DirectoryEntry::Kind::other;
  }
}

}  // namespace

std::vector<DirectoryEntry> entries_of(const Path& directory) {
  const std::unique_ptr<DIR, CloseDirectory> opened(::opendir(directory.c_str()));
  if (!opened) {
    const int error = errno;
    throw unreadable(error, directory);
  }
  std::vector<DirectoryEntry> entries;
  while (true) {
    errno = 0;
    const struct dirent* const entry = ::readdir(opened.get());
    const int error = errno;
    if (entry == nullptr && error != 0) throw unreadable(error, directory);
    if (entry == nullptr) return entries;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const int type = type_of(*entry, directory);
    if (type != DT_UNKNOWN) entries.push_back({std::string(name), kind_of(type), entry->d_ino});
  }
}

}  // namespace basecache::prune
