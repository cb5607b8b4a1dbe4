#pragma once

#include "agent/injection/guest_tree.hpp"
#include "backends/guest/ext_file_system.hpp"
#include "backends/guest/ext_path.hpp"

namespace basecache::guest {

// The files of a guest's ext2/3/4 file system. All errors are Error(image_unacceptable).
class ExtTree : public injection::GuestTree {
 public:
  // `file_system` must outlive this.
  explicit ExtTree(ExtFileSystem& file_system) : file_system_(file_system) {}

  bool has(const std::string& path) override;
  std::string read_file(const std::string& path) override;  // 1 MiB at most
  void make_directory(const std::string& path, mode_t mode) override;
  void write_file(const injection::FileChange& change) override;

 private:
  ext2_ino_t make_file(const ExtPlace& place);

  ExtFileSystem& file_system_;
};

}  // namespace basecache::guest
