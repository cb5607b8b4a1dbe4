#include "agent/prune/chain_walk.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/prune/directory_entries.hpp"

namespace basecache::prune {
namespace {

// QEMU itself refuses chains longer than 200; one that long is damaged or made to keep us busy.
constexpr std::size_t kLongestChain = 200;

SeenFile::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return SeenFile::Kind::regular;
  if (S_ISDIR(mode)) return SeenFile::Kind::directory;
  return S_ISBLK(mode) ? SeenFile::Kind::block_device : SeenFile::Kind::other;
}

}  // namespace

std::optional<SeenFile> file_at(const Path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return std::nullopt;
    throw Error::from_errno(error, "look at " + quote(path.native()));
  }
  return SeenFile{{found.st_dev, found.st_ino}, kind_of(found.st_mode)};
}

void require_no_lost_link(const Path& path) {
  struct stat found {};
  for (Path at = path; at.has_relative_path(); at = at.parent_path()) {
    if (::lstat(at.c_str(), &found) != 0) continue;
    if (!S_ISLNK(found.st_mode) || file_at(at)) return;
    throw Error(ErrorCode::storage_unusable, quote(at.native()) + " is a link that leads nowhere")
        .set_hint("mount what it leads to, or remove it");
  }
}

ChainWalk::ChainWalk(const layout::CacheLayout& layout, const DiskChainReader& reader)
    : layout_(layout), reader_(reader) {
  for (const DirectoryEntry& entry : entries_of(layout.base_directory())) {
    const auto key = model::CacheKey::parse(entry.name);
    if (!key) continue;
    const Path path = layout.base_directory() / entry.name;
    const auto file = file_at(path);
    if (!file) continue;
    keys_.emplace(file->inode, *key);
    base_files_.emplace(path.native(), *file);
  }
}

void ChainWalk::mark(const SeenFile& file, const std::string& user) {
  const auto [first, last] = keys_.equal_range(file.inode);
  for (auto base = first; base != last; ++base) {
    auto& users = usage_.users[base->second];
    if (users.empty() || users.back() != user) users.push_back(user);
  }
}

void ChainWalk::walk(const Path& disk, const SeenFile& file, const std::string& format,
                     const provision::DiskFormats& formats, const std::string& user) {
  const Path directory = disk.parent_path();
  Path path = disk;
  SeenFile at = file;
  std::string of = format;
  std::set<Inode> seen;
  walked_.emplace(file.inode, format);
  while (seen.size() <= kLongestChain && seen.insert(at.inode).second) {
    const std::optional<BackingFile> backing = backing_of(path, at, of);
    if (!backing) return;
    path = Path(backing->name).is_absolute() ? Path(backing->name) : path.parent_path() / backing->name;
    const auto below = file_below(path);
    if (!below) return require_known(path);
    at = *below;
    mark(at, user);
    of = backing->format;
    // The disk on it doesn't say what it is.
    if (of.empty()) of = path.parent_path() == directory ? formats.word_for(path) : format_of_base(at).value_or("");
  }
  throw Error(ErrorCode::storage_unusable, "its backing chain has a loop or more than 200 files");
}

bool ChainWalk::was_walked(const SeenFile& file, const std::string& format) const {
  const auto first = walked_.lower_bound({file.inode, ""});
  if (first == walked_.end() || first->first != file.inode) return false;
  const bool by_its_header = first->second.empty();
  return by_its_header || format.empty() || walked_.contains({file.inode, format});
}

std::optional<std::string> ChainWalk::format_of_base(const SeenFile& file) const {
  const auto base = keys_.find(file.inode);
  if (base == keys_.end()) return std::nullopt;
  const auto record = cache::read_record(layout_, base->second);
  return std::string(record ? model::qemu_name(record->format) : "");
}

bool ChainWalk::has_gone(const Path& path) {
  boost::system::error_code unknown;
  return boost::filesystem::symlink_status(path, unknown).type() == boost::filesystem::file_not_found;
}

void ChainWalk::cannot_know(const std::string& what, const Error& error) {
  const std::string hint = error.hint().empty() ? "" : " (" + error.hint() + ")";
  usage_.unreadable.push_back(what + ": " + error.message() + hint);
}

// A device is opened only when somebody says that there is a qcow2 on it: opening can have effects.
std::optional<BackingFile> ChainWalk::backing_of(const Path& path, const SeenFile& file,
                                                 const std::string& format) const {
  const bool is_disk_on_device = file.kind == SeenFile::Kind::block_device && format == "qcow2";
  if (file.kind == SeenFile::Kind::regular || is_disk_on_device) return reader_.backing_file(path, format);
  if (format == "raw") return std::nullopt;
  throw Error(ErrorCode::storage_unusable, quote(path.native()) + " is not a regular file");
}

// Base files were looked at once for all that stands on them.
std::optional<SeenFile> ChainWalk::file_below(const Path& path) const {
  const auto base = base_files_.find(path.native());
  return base == base_files_.end() ? file_at(path) : base->second;
}

// A name that leads nowhere uses nothing if it was a base file: those have nothing below them. What a lost link of
// the chain stood on can't be told.
void ChainWalk::require_known(const Path& missing) const {
  if (missing.parent_path() == layout_.base_directory()) return;
  throw Error(ErrorCode::storage_unusable, "its backing file " + quote(missing.native()) + " is missing")
      .set_hint("mount what it stands on, or remove the instance that needs it");
}

}  // namespace basecache::prune
