#include "agent/prune/instance_usage.hpp"

#include <fmt/format.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/prune/directory_entries.hpp"

namespace basecache::prune {
namespace {

constexpr const char* kUnrecorded = "disk.info doesn't know it";

// What Nova and we keep in an instance directory that no guest's disk is made of: plain files, and a guest or an image
// says what is in them.
bool is_no_overlay(std::string_view name) {
  constexpr std::string_view rescue = ".rescue";
  if (name.ends_with(rescue)) name.remove_suffix(rescue.size());
  return name.starts_with("console.log") || name == "libvirt.xml" || name == "image_meta.json" || name == "kernel" ||
         name == "ramdisk" || name == "disk.config";
}

// More often than that nobody has to be followed who renames what we look at.
constexpr int kMostRounds = 20;

class InstanceCollector {
 public:
  InstanceCollector(const layout::CacheLayout& layout, ChainWalk& walk) : layout_(layout), walk_(walk) {}

  void collect() {
    const bool is_settled = visit_each(layout_.instances_path(), [&](const DirectoryEntry& entry, const Path& path) {
      return !is_instance_directory(path, entry.kind) || collect_instance(path);
    });
    if (!is_settled) walk_.cannot_know(quote(layout_.instances_path().native()), restless());
  }

 private:
  static Error restless() {
    return Error(ErrorCode::storage_unusable, "what is in it changes all the time").set_hint("try again");
  }

  // Whoever renames a directory or a disk while we look (Nova does so when it resizes) may hide it from one listing, so
  // they are listed again until there is nothing new and nothing has gone. `visit` says whether it saw the entry; one
  // that it didn't see is visited again if it is listed again. False: no end of it.
  template <class Visit>
  bool visit_each(const Path& directory, Visit visit) {
    std::set<std::pair<std::string, ino_t>> seen;
    for (int round = 0; round < kMostRounds; ++round) {
      std::set<std::pair<std::string, ino_t>> there;
      bool is_steady = true;
      for (const DirectoryEntry& entry : entries_of(directory)) {
        std::pair<std::string, ino_t> name{entry.name, entry.inode};
        const Path path = directory / entry.name;
        const bool is_new = !seen.contains(name);
        is_steady = is_steady && !is_new;
        if (!is_new || walk_.guarded(path, quote(path.native()), [&] { return visit(entry, path); })) {
          there.insert(std::move(name));
        }
      }
      is_steady = is_steady && there.size() == seen.size();
      seen = std::move(there);
      if (is_steady) return true;
    }
    return false;
  }

  bool is_instance_directory(const Path& path, DirectoryEntry::Kind kind) const {
    if (path == layout_.base_directory() || path == layout_.lock_directory()) return false;
    if (kind != DirectoryEntry::Kind::link) return kind == DirectoryEntry::Kind::directory;
    const auto target = file_at(path);
    if (!target) require_no_lost_link(path);
    return !target || target->kind == SeenFile::Kind::directory;
  }

  bool collect_instance(const Path& directory) {
    const std::string name = directory.filename().native();
    const std::string instance = quote_unless_plain(layout::staged_instance_uuid(name).value_or(name), 80);
    return collect_directory(directory, "instance " + instance + " disk ", true);
  }

  // Directories inside too: Nova keeps the overlays of a running snapshot in one.
  bool collect_directory(const Path& directory, const std::string& user, bool is_an_instances) {
    const auto formats = provision::DiskFormats::read(directory);
    const bool is_settled = visit_each(directory, [&](const DirectoryEntry& entry, const Path& path) {
      if (entry.kind == DirectoryEntry::Kind::directory) return collect_directory(path, user, false);
      if (entry.kind == DirectoryEntry::Kind::other || entry.name == provision::DiskFormats::kFileName) return true;
      const bool is_overlay = !is_an_instances || !is_no_overlay(entry.name);
      const auto file = file_at(path);
      if (!file && is_overlay) require_no_lost_link(path);
      if (!file) return !is_overlay;
      const std::string disk_user = user + quote(entry.name, 80);
      walk_.mark(*file, disk_user);
      if (is_overlay) collect_disk(path, *file, formats, disk_user);
      return true;
    });
    if (!is_settled) throw restless();
    return true;
  }

  // What nobody recorded may be a disk all the same, so its header counts: a snapshot's, one of an instance in the
  // making, one whose disk.info was lost.
  void collect_disk(const Path& path, const SeenFile& disk, const provision::DiskFormats& formats,
                    const std::string& user) {
    const std::string format = formats.word_for(path);
    if (!format.empty()) return walk_.walk(path, disk, format, formats, user);
    with_context([] { return kUnrecorded; },
                 [&] {
                   walk_.walk(path, disk, format, formats,
                              fmt::format("{} (by its header alone: {})", user, kUnrecorded));
                 });
  }

  const layout::CacheLayout& layout_;
  ChainWalk& walk_;
};

}  // namespace

void collect_instances(const layout::CacheLayout& layout, ChainWalk& walk) {
  InstanceCollector(layout, walk).collect();
}

}  // namespace basecache::prune
