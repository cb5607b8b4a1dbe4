#include "backends/guest/ext_tree.hpp"

#include <algorithm>
#include <ctime>
#include <memory>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::guest {
namespace {

constexpr std::uint64_t kLargestRead = 1 << 20;
constexpr unsigned kNewFile = 0644;
// What Linux refuses to root too, or can't be written without a key.
constexpr std::uint32_t kUnwritable = EXT2_IMMUTABLE_FL | EXT2_APPEND_FL | EXT4_ENCRYPT_FL | EXT4_VERITY_FL;

class OpenFile {
 public:
  OpenFile(ExtFileSystem& file_system, ext2_ino_t number, int flags, std::string_view doing) {
    require(ext2fs_file_open(file_system.handle(), number, flags, &file_), doing);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (file_ != nullptr) ext2fs_file_close(file_);
  }

  ext2_file_t handle() const { return file_; }
  void close(std::string_view doing) {
    ext2_file_t file = file_;
    file_ = nullptr;
    require(ext2fs_file_close(file), doing);
  }

 private:
  ext2_file_t file_ = nullptr;
};

void write_bytes(OpenFile& file, std::string_view bytes, const std::string& doing) {
  while (!bytes.empty()) {
    unsigned written = 0;
    require(ext2fs_file_write(file.handle(), bytes.data(), static_cast<unsigned>(bytes.size()), &written), doing);
    if (written == 0) throw Error(ErrorCode::image_unacceptable, "cannot " + doing + " in the guest");
    bytes.remove_prefix(written);
  }
}

void require_writable(const ext2_inode& inode, const std::string& path) {
  if (!LINUX_S_ISREG(inode.i_mode)) {
    throw Error(ErrorCode::image_unacceptable, quote(path) + " isn't a regular file in the guest");
  }
  if ((inode.i_flags & kUnwritable) != 0) {
    throw Error(ErrorCode::image_unacceptable, quote(path) + " can't be changed in the guest: it is marked so");
  }
}

void touch(ExtFileSystem& file_system, ext2_ino_t number) {
  ext2_inode inode = read_inode(file_system, number);
  inode.i_mtime = inode.i_ctime = static_cast<std::uint32_t>(std::time(nullptr));
  require(ext2fs_write_inode(file_system.handle(), number, &inode), "write an inode");
}

}  // namespace

bool ExtTree::has(const std::string& path) {
  try {
    return find_place(file_system_, path).inode != 0;
  } catch (const Error&) {
    return false;  // there, but out of reach
  }
}

std::string ExtTree::read_file(const std::string& path) {
  const ExtPlace place = find_place(file_system_, path);
  if (place.inode == 0) throw Error(ErrorCode::image_unacceptable, "the guest has no " + quote(path));
  const ext2_inode inode = read_inode(file_system_, place.inode);
  if (!LINUX_S_ISREG(inode.i_mode) || EXT2_I_SIZE(&inode) > kLargestRead || (inode.i_flags & EXT4_ENCRYPT_FL) != 0) {
    throw Error(ErrorCode::image_unacceptable, quote(path) + " can't be read in the guest");
  }
  std::string bytes(static_cast<std::size_t>(EXT2_I_SIZE(&inode)), '\0');
  const OpenFile file(file_system_, place.inode, 0, "open " + quote(path));
  std::size_t count = 0;
  while (count < bytes.size()) {
    unsigned got = 0;
    require(ext2fs_file_read(file.handle(), bytes.data() + count, static_cast<unsigned>(bytes.size() - count), &got),
            "read " + quote(path));
    if (got == 0) break;
    count += got;
  }
  bytes.resize(count);
  return bytes;
}

void ExtTree::make_directory(const std::string& path, mode_t mode) {
  const ExtPlace place = find_place(file_system_, path, {.makes_directories = true});
  if (!LINUX_S_ISDIR(read_inode(file_system_, place.inode).i_mode)) {
    throw Error(ErrorCode::image_unacceptable, quote(path) + " isn't a directory in the guest");
  }
  set_owner_and_mode(file_system_, place.inode, mode);
}

ext2_ino_t ExtTree::make_file(const ExtPlace& place) {
  const ext2_filsys handle = file_system_.handle();
  ext2_ino_t number = 0;
  require(ext2fs_new_inode(handle, place.directory, LINUX_S_IFREG | kNewFile, nullptr, &number), "find a free inode");
  link_inode(file_system_, place, number, EXT2_FT_REG_FILE);
  ext2fs_inode_alloc_stats2(handle, number, +1, 0);
  ext2_inode inode{};
  inode.i_mode = LINUX_S_IFREG | kNewFile;
  inode.i_links_count = 1;
  inode.i_atime = inode.i_ctime = inode.i_mtime = static_cast<std::uint32_t>(std::time(nullptr));
  if (ext2fs_has_feature_extents(handle->super) != 0) inode.i_flags |= EXT4_EXTENTS_FL;
  require(ext2fs_write_new_inode(handle, number, &inode), "write an inode");
  if ((inode.i_flags & EXT4_EXTENTS_FL) != 0) {
    ext2_extent_handle_t extents = nullptr;
    require(ext2fs_extent_open2(handle, number, &inode, &extents), "begin a file");
    ext2fs_extent_free(extents);
    require(ext2fs_write_inode(handle, number, &inode), "write an inode");
  }
  return number;
}

void ExtTree::write_file(const injection::FileChange& change) {
  const ExtPlace place = find_place(file_system_, change.path);
  const std::string doing = "write " + quote(change.path);
  const ext2_ino_t number = place.inode != 0 ? place.inode : make_file(place);
  require_writable(read_inode(file_system_, number), change.path);
  OpenFile file(file_system_, number, EXT2_FILE_WRITE, doing);
  if (change.appends) {
    require(ext2fs_file_llseek(file.handle(), 0, EXT2_SEEK_END, nullptr), doing);
  } else {
    require(ext2fs_file_set_size2(file.handle(), 0), doing);
  }
  write_bytes(file, change.bytes, doing);
  file.close(doing);
  touch(file_system_, number);
  if (!change.mode) return;
  ext2_inode inode = read_inode(file_system_, number);
  inode.i_mode = static_cast<std::uint16_t>((inode.i_mode & LINUX_S_IFMT) | (*change.mode & 07777U));
  require(ext2fs_write_inode(file_system_.handle(), number, &inode), "write an inode");
}

}  // namespace basecache::guest
