#pragma once

#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache::fetch {

// An image that is decoded from a file of this node, where it stands. Whoever may write to it could show each of its
// readers another image, so all of them must have seen the same state.
class LocalImage {
 public:
  // Keeps `file` open; `name` is for errors.
  LocalImage(int file, std::string name);

  int fd() const { return file_.get(); }
  Bytes size() const { return seen_.size; }
  // Where this process and, as far as the file is everybody's to read, its children can open it.
  Path path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }
  // Whether programs that run as somebody else may read it.
  bool is_everybodys() const;
  // Error(source_unavailable) when it was written to since it was taken.
  void check_unchanged() const;

 private:
  std::string name_;
  UniqueFd file_;
  FileState seen_;
};

}  // namespace basecache::fetch
