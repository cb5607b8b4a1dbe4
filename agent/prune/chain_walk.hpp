#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/provision/disk_formats.hpp"
#include "agent/prune/disk_chain_reader.hpp"
#include "agent/prune/usage.hpp"

namespace basecache::prune {

using Inode = std::pair<dev_t, ino_t>;

struct SeenFile {
  enum class Kind { regular, directory, block_device, other };

  Inode inode;
  Kind kind = Kind::other;
};

// What is at `path`, behind symbolic links. Nothing: there is none.
std::optional<SeenFile> file_at(const Path& path);

// Throws Error when `path`, or what is there of the way to it, is a link that leads nowhere: what it leads to may only
// not be mounted.
void require_no_lost_link(const Path& path);

// Follows disks through their backing chains and writes down who uses the base files on their way. Knows the base files
// by inode, however a disk spells their path. Of thirty thousand disks each is looked at once and opened once.
class ChainWalk {
 public:
  ChainWalk(const layout::CacheLayout& layout, const DiskChainReader& reader);

  // `user` uses the file itself, when that is a base file.
  void mark(const SeenFile& file, const std::string& user);
  // What the disk stands on. `format` is QEMU's name, "" where only its header tells; `formats` is what disk.info
  // beside it says. Error(storage_unusable) when the chain can't be followed: cannot know is not unused.
  void walk(const Path& disk, const SeenFile& file, const std::string& format, const provision::DiskFormats& formats,
            const std::string& user);
  // Whether it was walked as what somebody says that it is.
  bool was_walked(const SeenFile& file, const std::string& format) const;
  // The format of a base file, by its record; nothing when the file is none.
  std::optional<std::string> format_of_base(const SeenFile& file) const;

  // What can't be read makes usage unknown, but for what vanished while we looked at it: false. `body` may throw Error.
  template <class Body>
  bool guarded(const Path& path, const std::string& what, Body body) {
    try {
      return body();
    } catch (const Error& error) {
      if (has_gone(path)) return false;
      cannot_know(what, error);
      return true;
    }
  }

  void cannot_know(const std::string& what, const Error& error);

  // All that was written down since it was taken the last time.
  Usage take() { return std::exchange(usage_, {}); }

 private:
  static bool has_gone(const Path& path);
  std::optional<BackingFile> backing_of(const Path& path, const SeenFile& file, const std::string& format) const;
  std::optional<SeenFile> file_below(const Path& path) const;
  void require_known(const Path& missing) const;

  const layout::CacheLayout& layout_;
  const DiskChainReader& reader_;
  std::multimap<Inode, model::CacheKey> keys_;
  std::map<std::string, SeenFile> base_files_;      // by path, as most disks spell it
  std::set<std::pair<Inode, std::string>> walked_;  // with the format
  Usage usage_;
};

}  // namespace basecache::prune
