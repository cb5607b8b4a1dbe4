#include "agent/prune/instance_usage.hpp"

#include <fmt/format.h>

#include <string_view>

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

class InstanceCollector {
 public:
  InstanceCollector(const layout::CacheLayout& layout, ChainWalk& walk) : layout_(layout), walk_(walk) {}

  void collect() {
    for (const DirectoryEntry& entry : entries_of(layout_.instances_path())) {
      const Path path = layout_.instances_path() / entry.name;
      guarded(path, [&] {
        if (is_instance_directory(path, entry.kind)) collect_instance(path);
      });
    }
  }

 private:
  template <class Body>
  void guarded(const Path& path, Body body) {
    walk_.guarded(path, quote(path.native()), body);
  }

  bool is_instance_directory(const Path& path, DirectoryEntry::Kind kind) const {
    if (path == layout_.base_directory() || path == layout_.lock_directory()) return false;
    if (kind != DirectoryEntry::Kind::link) return kind == DirectoryEntry::Kind::directory;
    const auto target = file_at(path);
    return target && target->kind == SeenFile::Kind::directory;
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
        walk_.mark(*file, disk_user);
        if (!is_an_instances || !is_no_overlay(entry.name)) collect_disk(path, *file, formats, disk_user);
      });
    }
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
