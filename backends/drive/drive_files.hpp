#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/metadata/drive_contents.hpp"

namespace basecache::drive {

// A medium that can't be read. Error(image_unacceptable).
Error unreadable(std::string_view why);

// What a reader finds on a medium that anybody may have made: files with their paths, within limits (4096 files, 16
// directories deep, names of 765 bytes, which are FAT's 255 characters, contents and paths of 64 MiB together).
class DriveFiles {
 public:
  // The path of what is called `name` in that directory ("" is the root). Error(image_unacceptable) for a name that
  // would lead elsewhere or is too long, when it is too deep, and when all of them are too large.
  std::string path_in(const std::string& directory, const std::string& name);

  // The medium has one more file or directory. Error when it has too many.
  void count();
  // Error when all of them are too large.
  void add(const std::string& path, std::string contents);

  // By their paths.
  metadata::DriveContents sorted() &&;

 private:
  void take(std::size_t bytes);

  metadata::DriveContents files_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace basecache::drive
