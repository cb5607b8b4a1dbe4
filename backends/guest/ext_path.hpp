#pragma once

#include <string>
#include <vector>

#include "backends/guest/ext_file_system.hpp"

namespace basecache::guest {

// A place in a guest's file system.
struct ExtPlace {
  ext2_ino_t directory = 0;  // that it is in
  std::string name = {};     // in there; "" for the root directory
  ext2_ino_t inode = 0;      // 0: there is nothing
};

struct ExtPathRules {
  bool makes_directories = false;  // 0755, of root
};

// Follows an absolute path inside the guest, symbolic links in it and at its end too, 40 of them at most. One whose
// target isn't there leads to where it would be. Error(image_unacceptable) for what leads above the guest's root, for
// links in circles, for directories that nobody could search (more than 8 MiB, encrypted, case-folding), and where a
// directory on the way isn't there or isn't one.
ExtPlace find_place(ExtFileSystem& file_system, const std::string& path, ExtPathRules rules = {});

ext2_inode read_inode(ExtFileSystem& file_system, ext2_ino_t number);

// Gives a new inode, or one that is there, to root, with that mode (permissions only).
void set_owner_and_mode(ExtFileSystem& file_system, ext2_ino_t number, unsigned mode);

// A name in a directory that has none of it; the directory grows where it must.
void link_inode(ExtFileSystem& file_system, const ExtPlace& place, ext2_ino_t number, int file_type);

ext2_ino_t make_directory_at(ExtFileSystem& file_system, const ExtPlace& place);

}  // namespace basecache::guest
