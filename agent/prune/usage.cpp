#include "agent/prune/usage.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <set>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/provision/disk_formats.hpp"

namespace basecache::prune {
namespace {

namespace fs = boost::filesystem;

// QEMU itself refuses chains longer than 200; one that long is damaged or made to keep us busy.
constexpr int kLongestChain = 200;

constexpr const char* kUnrecorded = "disk.info doesn't know it";

// What Nova and we keep in an instance directory that no guest's disk is made of: plain files, and a guest or an image
// says what is in them.
bool is_no_overlay(std::string_view name) {
  constexpr std::string_view rescue = ".rescue";
  if (name.ends_with(rescue)) name.remove_suffix(rescue.size());
  return name.starts_with("console.log") || name == "kernel" || name == "ramdisk" || name == "disk.config";
}

using Inode = std::pair<dev_t, ino_t>;

std::optional<Inode> inode_of(const Path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return std::nullopt;
    throw Error::from_errno(error, "look at " + quote(path.native()));
  }
  return Inode{found.st_dev, found.st_ino};
}

// Walks the instance directories of one node.
class UsageCollector {
 public:
  UsageCollector(const layout::CacheLayout& layout, const DiskChainReader& reader) : layout_(layout), reader_(reader) {
    for (const auto& entry : fs::directory_iterator(layout.base_directory())) {
      const auto key = model::CacheKey::parse(entry.path().filename().native());
      if (!key) continue;
      if (const auto inode = inode_of(entry.path())) base_files_.emplace(*inode, *key);
    }
  }

  Usage collect() {
    for (const auto& entry : fs::directory_iterator(layout_.instances_path())) {
      guarded(entry.path(), [&] {
        if (is_instance_directory(entry)) collect_instance(entry.path());
      });
    }
    return std::move(usage_);
  }

 private:
  // What can't be read makes usage unknown; what vanished while we looked at it uses nothing.
  template <class Body>
  void guarded(const Path& what, Body body) {
    try {
      body();
    } catch (const Error& error) {
      note_unreadable(what, error.message());
    } catch (const fs::filesystem_error& error) {
      note_unreadable(what, error.code().message());
    }
  }

  void note_unreadable(const Path& what, const std::string& why) {
    boost::system::error_code unknown;
    if (fs::symlink_status(what, unknown).type() == fs::file_not_found) return;
    usage_.unreadable.push_back(quote(what.native()) + ": " + why);
  }

  bool is_instance_directory(const fs::directory_entry& entry) const {
    const Path& path = entry.path();
    if (path == layout_.base_directory() || path == layout_.lock_directory()) return false;
    return fs::is_directory(entry.status());
  }

  void collect_instance(const Path& directory) {
    const std::string name = directory.filename().native();
    const std::string instance = quote_unless_plain(layout::staged_instance_uuid(name).value_or(name), 80);
    collect_directory(directory, "instance " + instance + " disk ", true);
  }

  // Directories inside too: Nova keeps the overlays of a running snapshot in one.
  void collect_directory(const Path& directory, const std::string& user, bool is_an_instances) {
    const provision::DiskFormats formats = provision::DiskFormats::read(directory);
    for (const auto& entry : fs::directory_iterator(directory)) {
      guarded(entry.path(), [&] {
        const std::string name = entry.path().filename().native();
        if (fs::is_directory(entry.symlink_status())) return collect_directory(entry.path(), user, false);
        if (!fs::is_regular_file(entry.status()) && !fs::is_symlink(entry.symlink_status())) return;
        if (is_an_instances && is_no_overlay(name)) return mark(entry.path(), user + quote(name, 80));
        collect_disk(entry.path(), formats, user + quote(name, 80));
      });
    }
  }

  // What nobody recorded may be a disk all the same, so its header counts: a snapshot's, one of an instance in the
  // making, one whose disk.info was lost.
  void collect_disk(const Path& disk, const provision::DiskFormats& formats, const std::string& user) {
    mark(disk, user);
    const std::string format = formats.word_for(disk);
    if (!format.empty()) return walk_chain(disk, format, formats, user);
    with_context(
        [] { return kUnrecorded; },
        [&] { walk_chain(disk, format, formats, fmt::format("{} (by its header alone: {})", user, kUnrecorded)); });
  }

  void walk_chain(const Path& disk, std::string format, const provision::DiskFormats& formats,
                  const std::string& user) {
    std::set<Inode> seen;
    Path file = disk;
    for (int depth = 0; depth <= kLongestChain; ++depth) {
      const auto inode = inode_of(file);
      if (!inode) return require_known(file, depth);
      if (!seen.insert(*inode).second) break;
      if (depth > 0) mark(*inode, user);
      const std::optional<BackingFile> backing = reader_.backing_file(file, format);
      if (!backing) return;
      file = Path(backing->name).is_absolute() ? Path(backing->name) : file.parent_path() / backing->name;
      format = backing->format.empty() ? recorded_format(file, disk.parent_path(), formats) : backing->format;
    }
    throw Error(ErrorCode::storage_unusable, "its backing chain has a loop or more than 200 files");
  }

  // Of a backing file of which the disk on it doesn't say what it is.
  std::string recorded_format(const Path& file, const Path& directory, const provision::DiskFormats& formats) const {
    if (file.parent_path() == directory) return formats.word_for(file);
    const auto inode = inode_of(file);
    const auto base = inode ? base_files_.find(*inode) : base_files_.end();
    if (base == base_files_.end()) return "";
    const auto record = cache::read_record(layout_, base->second);
    return std::string(record ? model::qemu_name(record->format) : "");
  }

  // A name that leads nowhere uses nothing if it was removed while we looked, or was a base file: those have nothing
  // below them. What a lost link of the chain stood on can't be told.
  void require_known(const Path& missing, int depth) const {
    if (depth == 0 || missing.parent_path() == layout_.base_directory()) return;
    throw Error(ErrorCode::storage_unusable, "its backing file " + quote(missing.native()) + " is missing")
        .set_hint("mount what it stands on, or remove the instance that needs it");
  }

  void mark(const Path& file, const std::string& user) {
    if (const auto inode = inode_of(file)) mark(*inode, user);
  }

  void mark(const Inode& inode, const std::string& user) {
    const auto [first, last] = base_files_.equal_range(inode);
    for (auto base = first; base != last; ++base) {
      auto& users = usage_.users[base->second];
      if (users.empty() || users.back() != user) users.push_back(user);
    }
  }

  const layout::CacheLayout& layout_;
  const DiskChainReader& reader_;
  std::multimap<Inode, model::CacheKey> base_files_;  // by inode: however a disk spells the path, symlinks included
  Usage usage_;
};

}  // namespace

Usage collect_usage(const layout::CacheLayout& layout, const DiskChainReader& reader) {
  return UsageCollector(layout, reader).collect();
}

}  // namespace basecache::prune
