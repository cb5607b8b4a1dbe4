#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace basecache::injection {

struct FileChange {
  std::string path;  // absolute, in the guest
  std::string bytes;
  bool appends = false;             // else they are all of the file
  std::optional<mode_t> mode = {};  // none: as it is; of a new file 0644
};

// The file tree of a guest, whose symbolic links lead nowhere else. Paths are absolute. What is made belongs to root.
// Errors are Error(image_unacceptable), as the guest made it so, Error(no_space), or the implementation's own.
class GuestTree {
 public:
  virtual ~GuestTree() = default;

  virtual bool has(const std::string& path) = 0;
  // All of a file of configuration; Error where there is none, or it is larger than any such file.
  virtual std::string read_file(const std::string& path) = 0;
  // With those above it (0755). It belongs to root afterwards and has that mode, also when it was there.
  virtual void make_directory(const std::string& path, mode_t mode) = 0;
  // The directory it is in must be there.
  virtual void write_file(const FileChange& change) = 0;
};

}  // namespace basecache::injection
