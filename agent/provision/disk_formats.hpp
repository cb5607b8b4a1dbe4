#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/path.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::provision {

// `disk.info` of an instance directory: JSON object, absolute path of a disk -> QEMU's name of its format
// (nova/virt/libvirt/imagebackend.py, Image.resolve_driver_format). The one authority on what an existing disk is: a
// guest can write any header into its raw disk, so formats are never probed (CVE-2008-2004, LP 1221190).
class DiskFormats {
 public:
  static constexpr const char* kFileName = "disk.info";

  // An absent file is an empty one. Error(storage_unusable) when it can't be understood.
  static DiskFormats read(const Path& instance_directory);

  // Nothing: not recorded. A recorded format that we don't know is Error(storage_unusable).
  std::optional<model::DiskFormat> format_of(const Path& disk) const;
  // QEMU's word for what is beside disk.info, however its path was spelled when it was recorded: the directory may have
  // been moved or mounted elsewhere since. "" when there is none, or when paths that end alike have different ones.
  std::string word_for(const Path& disk) const;
  const std::map<std::string, std::string>& all() const { return formats_; }

  // Of a new disk. What is recorded for a disk that is there stays: InstanceDirectory asks before one is made.
  void record(const Path& disk, model::DiskFormat format);
  // Whether there was any such path.
  bool forget_ending_with(std::string_view suffix);
  // Writes it into `directory`, which may be the staged one.
  void write(const Path& directory, Durability durability = Durability::lazy) const;
  // The same by way of `staged`, a directory beside it: who is killed meanwhile leaves nothing but in there.
  void replace(const Path& directory, const Path& staged, Durability durability = Durability::lazy) const;

 private:
  std::map<std::string, std::string> formats_;
};

}  // namespace basecache::provision
