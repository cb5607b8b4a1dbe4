#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/base/path.hpp"

namespace basecache::prune {

struct DirectoryEntry {
  enum class Kind { file, directory, link, other };

  std::string name;
  Kind kind = Kind::other;
  ino_t inode = 0;  // of what a file system is mounted on, where one is
};

// What is in a directory, in no order and without "." and "..". The directory itself says what each entry is: where the
// file system keeps that there, none of them is looked at. Error when it can't be read.
std::vector<DirectoryEntry> entries_of(const Path& directory);

}  // namespace basecache::prune
