#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/base/path.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/base/unique_fd.hpp"
#include "backends/sandbox/sandbox.hpp"

namespace basecache::sandbox {

// A file or a block device that a confined program is for. It is opened by us and is the program's descriptor, so that
// the program needs no way to it.
class OpenedFile {
 public:
  enum class Access { read, write };

  // Errors as of open_file(). A symbolic link is followed only to be read.
  OpenedFile(const Path& path, Access access);
  // A new one of `size` zero bytes, to be written. Error(already_exists) when there is one.
  static OpenedFile make(const Path& path, Bytes size);

  const Path& path() const { return path_; }
  int fd() const { return fd_.get(); }
  Access access() const { return access_; }
  Bytes size() const;
  User owner() const;
  // Who is to read it for a program that the calling thread waits for: a stranger, where it is everybody's to read or
  // ours to lend; else its owner.
  User reader(const Sandbox& sandbox) const;

 private:
  OpenedFile(Path path, UniqueFd fd, Access access) : path_(std::move(path)), fd_(std::move(fd)), access_(access) {}

  Path path_;
  UniqueFd fd_;
  Access access_;
};

// The name of the file that stands at `position` among a program's files, for its command line.
std::string descriptor_path(std::size_t position);

// A run of a program that may open these files and no others, as `user` where Sandbox::changes_users().
struct ConfinedRun {
  Command command;
  std::vector<const OpenedFile*> files;  // its descriptors 3, 4, ...
  User user;
  Limits limits;
  bool sees_mounts = false;  // needs to know what is mounted
};

// What the user couldn't read or write otherwise belongs to the user meanwhile. In its stderr the files' own names
// stand for the descriptors'. Errors as of run().
CompletedProcess run_confined(const Sandbox& sandbox, ConfinedRun confined, const OpContext& op);

}  // namespace basecache::sandbox
