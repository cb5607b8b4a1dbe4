#pragma once

#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache::fetch {

// An image that is decoded from a file of this node, where it stands: whoever could write to it could show each of its
// readers another image.
class LocalImage {
 public:
  // Keeps `file` open; `name` is for errors.
  LocalImage(int file, std::string name);

  int fd() const { return file_.get(); }
  Bytes size() const { return seen_.size; }
  // Where this process and, as far as the file is everybody's to read, its children can open it.
  Path path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }
  // Whether everybody may read it, so that programs that run as somebody else can, and nobody but root and us write.
  bool is_trusted() const;
  // Error(source_unavailable) when it was written to since it was taken: an accident.
  void check_unchanged() const;

 private:
  std::string name_;
  UniqueFd file_;
  FileState seen_;
};

}  // namespace basecache::fetch
