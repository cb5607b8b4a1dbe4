#include "agent/prune/usage.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <set>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/provision/disk_formats.hpp"
#include "agent/prune/directory_entries.hpp"

namespace basecache::prune {
namespace {

namespace fs = boost::filesystem;

// QEMU itself refuses chains longer than 200; one that long is damaged or made to keep us busy.
constexpr std::size_t kLongestChain = 200;

constexpr const char* kUnrecorded = "disk.info doesn't know it";

// What Nova and we keep in an instance directory that no guest's disk is made of: plain files, and a guest or an image
// says what is in them.
bool is_no_overlay(std::string_view name) {
  constexpr std::string_view rescue = ".rescue";
  if (name.ends_with(rescue)) name.remove_suffix(rescue.size());
  return name.starts_with("console.log") || name == "libvirt.xml" || name == "image_meta.json" || name == "kernel" ||
         name == "ramdisk" || name == "disk.config";
}

using Inode = std::pair<dev_t, ino_t>;

struct File {
  Inode inode;
  bool is_regular = false;
  bool is_directory = false;
};

// Behind symbolic links. Nothing: there is none.
std::optional<File> file_at(const Path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return std::nullopt;
    throw Error::from_errno(error, "look at " + quote(path.native()));
  }
  return File{{found.st_dev, found.st_ino}, S_ISREG(found.st_mode), S_ISDIR(found.st_mode)};
}

// Walks the instance directories of one node. Of thirty thousand disks each is looked at once and opened once.
class UsageCollector {
 public:
  UsageCollector(const layout::CacheLayout& layout, const DiskChainReader& reader) : layout_(layout), reader_(reader) {
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

  Usage collect() {
    for (const DirectoryEntry& entry : entries_of(layout_.instances_path())) {
      const Path path = layout_.instances_path() / entry.name;
      guarded(path, [&] {
        if (is_instance_directory(path, entry.kind)) collect_instance(path);
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
      boost::system::error_code unknown;
      if (fs::symlink_status(what, unknown).type() == fs::file_not_found) return;
      usage_.unreadable.push_back(quote(what.native()) + ": " + error.message());
    }
  }

  bool is_instance_directory(const Path& path, DirectoryEntry::Kind kind) const {
    if (path == layout_.base_directory() || path == layout_.lock_directory()) return false;
    if (kind != DirectoryEntry::Kind::link) return kind == DirectoryEntry::Kind::directory;
    const auto target = file_at(path);
    return target && target->is_directory;
  }

  void collect_instance(const Path& directory) {
    const std::string name = directory.filename().native();
    const std::string instance = quote_unless_plain(layout::staged_instance_uuid(name).value_or(name), 80);
    collect_directory(directory, "instance " + instance + " disk ", true);
  }

  // Directories inside too: Nova keeps the overlays of a running snapshot in one.
  void collect_directory(const Path& directory, const std::string& user, bool is_an_instances) {
    const auto formats = provision::DiskFormats::read(directory);
    for (const DirectoryEntry& entry : entries_of(directory)) {
      const Path path = directory / entry.name;
      guarded(path, [&] {
        if (entry.kind == DirectoryEntry::Kind::directory) return collect_directory(path, user, false);
        if (entry.kind == DirectoryEntry::Kind::other || entry.name == provision::DiskFormats::kFileName) return;
        const auto file = file_at(path);
        if (!file) return;  // gone meanwhile, or a link that leads nowhere
        const std::string disk_user = user + quote(entry.name, 80);
        mark(file->inode, disk_user);
        if (!is_an_instances || !is_no_overlay(entry.name)) collect_disk(path, *file, formats, disk_user);
      });
    }
  }

  // What nobody recorded may be a disk all the same, so its header counts: a snapshot's, one of an instance in the
  // making, one whose disk.info was lost.
  void collect_disk(const Path& path, const File& disk, const provision::DiskFormats& formats,
                    const std::string& user) {
    const std::string format = formats.word_for(path);
    if (!format.empty()) return walk_chain(path, disk, format, formats, user);
    with_context([] { return kUnrecorded; },
                 [&] {
                   walk_chain(path, disk, format, formats,
                              fmt::format("{} (by its header alone: {})", user, kUnrecorded));
                 });
  }

  void walk_chain(Path path, File file, std::string format, const provision::DiskFormats& formats,
                  const std::string& user) {
    const Path directory = path.parent_path();
    std::set<Inode> seen;
    while (seen.size() <= kLongestChain && seen.insert(file.inode).second) {
      const std::optional<BackingFile> backing = backing_of(path, file, format);
      if (!backing) return;
      path = Path(backing->name).is_absolute() ? Path(backing->name) : path.parent_path() / backing->name;
      const auto below = file_below(path);
      if (!below) return require_known(path);
      file = *below;
      mark(file.inode, user);
      format = backing->format.empty() ? recorded_format(path, file, directory, formats) : backing->format;
    }
    throw Error(ErrorCode::storage_unusable, "its backing chain has a loop or more than 200 files");
  }

  // A raw disk may be a device, which isn't opened: that can have effects.
  std::optional<BackingFile> backing_of(const Path& path, const File& file, const std::string& format) const {
    if (file.is_regular) return reader_.backing_file(path, format);
    if (format == "raw") return std::nullopt;
    throw Error(ErrorCode::storage_unusable, quote(path.native()) + " is not a regular file");
  }

  // Base files were looked at once for all that stands on them.
  std::optional<File> file_below(const Path& path) const {
    const auto base = base_files_.find(path.native());
    return base == base_files_.end() ? file_at(path) : base->second;
  }

  // Of a backing file of which the disk on it doesn't say what it is.
  std::string recorded_format(const Path& path, const File& file, const Path& directory,
                              const provision::DiskFormats& formats) const {
    if (path.parent_path() == directory) return formats.word_for(path);
    const auto base = keys_.find(file.inode);
    if (base == keys_.end()) return "";
    const auto record = cache::read_record(layout_, base->second);
    return std::string(record ? model::qemu_name(record->format) : "");
  }

  // A name that leads nowhere uses nothing if it was a base file: those have nothing below them. What a lost link of
  // the chain stood on can't be told.
  void require_known(const Path& missing) const {
    if (missing.parent_path() == layout_.base_directory()) return;
    throw Error(ErrorCode::storage_unusable, "its backing file " + quote(missing.native()) + " is missing")
        .set_hint("mount what it stands on, or remove the instance that needs it");
  }

  void mark(const Inode& inode, const std::string& user) {
    const auto [first, last] = keys_.equal_range(inode);
    for (auto base = first; base != last; ++base) {
      auto& users = usage_.users[base->second];
      if (users.empty() || users.back() != user) users.push_back(user);
    }
  }

  const layout::CacheLayout& layout_;
  const DiskChainReader& reader_;
  std::multimap<Inode, model::CacheKey> keys_;  // by inode: however a disk spells the path, symlinks included
  std::map<std::string, File> base_files_;      // by path, as most disks spell it
  Usage usage_;
};

}  // namespace

Usage collect_usage(const layout::CacheLayout& layout, const DiskChainReader& reader) {
  return UsageCollector(layout, reader).collect();
}

}  // namespace basecache::prune
