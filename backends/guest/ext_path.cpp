#include "backends/guest/ext_path.hpp"

#include <algorithm>
#include <ctime>
#include <deque>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::guest {
namespace {

constexpr unsigned kMostLinks = 40;  // as Linux (MAXSYMLINKS)
constexpr std::uint64_t kLongestTarget = 4096;
constexpr std::size_t kLongestName = 255;
// No directory on the way to what is injected is half as large; one of a million names is larger.
constexpr std::uint64_t kLargestDirectory = 8 << 20;

Error refused(const std::string& why) { return Error(ErrorCode::image_unacceptable, why); }

std::deque<std::string> parts_of(std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  return parts;
}

class Walk {
 public:
  Walk(ExtFileSystem& file_system, const std::string& path, ExtPathRules rules)
      : file_system_(file_system), path_(path), rules_(rules), rest_(parts_of(path)) {
    enter(EXT2_ROOT_INO);
  }

  ExtPlace to_the_end() {
    ExtPlace place{.directory = EXT2_ROOT_INO, .name = {}, .inode = EXT2_ROOT_INO};
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.front());
      rest_.pop_front();
      place = name == ".." ? above() : step(name);
    }
    return place;
  }

 private:
  // A root that ".." leads out of would be the host's.
  ExtPlace above() {
    if (directories_.size() == 1) throw refused(quote(path_) + " leads above the guest's root");
    directories_.pop_back();
    return {.directory = directories_.back(), .name = {}, .inode = directories_.back()};
  }

  ExtPlace step(const std::string& name) {
    ExtPlace place{.directory = directories_.back(), .name = name, .inode = look_up(name)};
    if (place.inode == 0) {
      if (rest_.empty() && !rules_.makes_directories) return place;
      if (!rules_.makes_directories)
        throw refused("the guest has no directory " + quote(name) + " for " + quote(path_));
      place.inode = make_directory_at(file_system_, place);
    }
    const ext2_inode inode = read_inode(file_system_, place.inode);
    if (LINUX_S_ISLNK(inode.i_mode)) {
      follow(place.inode, inode);
      return {.directory = directories_.back(), .name = {}, .inode = directories_.back()};
    }
    if (LINUX_S_ISDIR(inode.i_mode)) {
      enter(place.inode);
    } else if (!rest_.empty()) {
      throw refused(quote(name) + " in " + quote(path_) + " isn't a directory in the guest");
    }
    return place;
  }

  void enter(ext2_ino_t number) {
    const ext2_inode inode = read_inode(file_system_, number);
    if (!LINUX_S_ISDIR(inode.i_mode)) throw refused("the guest's root is no directory");
    if ((inode.i_flags & (EXT4_ENCRYPT_FL | EXT4_CASEFOLD_FL)) != 0) {
      throw refused("a directory of " + quote(path_) + " is encrypted or knows no case");
    }
    if (EXT2_I_SIZE(&inode) > kLargestDirectory) {
      throw refused("a directory of " + quote(path_) + " has too many entries to look one up");
    }
    directories_.push_back(number);
  }

  ext2_ino_t look_up(const std::string& name) {
    if (name.size() > kLongestName) throw refused("a name in " + quote(path_) + " is too long");
    ext2_ino_t number = 0;
    const errcode_t failed = ext2fs_lookup(file_system_.handle(), directories_.back(), name.data(),
                                           static_cast<int>(name.size()), nullptr, &number);
    if (failed == EXT2_ET_FILE_NOT_FOUND) return 0;
    require(failed, "look up " + quote(path_));
    return number;
  }

  void follow(ext2_ino_t number, const ext2_inode& inode) {
    if (++links_ > kMostLinks) throw refused(quote(path_) + " has too many symbolic links on the way");
    const std::string target = target_of(number, inode);
    if (target.empty()) throw refused("a symbolic link in " + quote(path_) + " is empty");
    if (target.starts_with('/')) directories_.resize(1);
    std::deque<std::string> parts = parts_of(target);
    rest_.insert(rest_.begin(), parts.begin(), parts.end());
  }

  std::string target_of(ext2_ino_t number, const ext2_inode& inode) {
    const std::uint64_t size = EXT2_I_SIZE(&inode);
    if (size > kLongestTarget || (inode.i_flags & EXT4_ENCRYPT_FL) != 0) {
      throw refused("a symbolic link in " + quote(path_) + " can't be read");
    }
    if (auto copy = inode; ext2fs_is_fast_symlink(&copy) != 0) {
      const std::string_view room(reinterpret_cast<const char*>(copy.i_block), sizeof copy.i_block);
      return std::string(room.substr(0, std::min<std::uint64_t>(size, room.size())));
    }
    std::string target(static_cast<std::size_t>(size), '\0');
    ext2_file_t file = nullptr;
    require(ext2fs_file_open(file_system_.handle(), number, 0, &file), "open a symbolic link");
    unsigned got = 0;
    const errcode_t failed = ext2fs_file_read(file, target.data(), static_cast<unsigned>(target.size()), &got);
    ext2fs_file_close(file);
    require(failed, "read a symbolic link");
    target.resize(got);
    return target;
  }

  ExtFileSystem& file_system_;
  const std::string& path_;
  const ExtPathRules rules_;
  std::deque<std::string> rest_;
  std::vector<ext2_ino_t> directories_;  // from the root to where we are; its ".." entries aren't asked
  unsigned links_ = 0;
};

}  // namespace

ExtPlace find_place(ExtFileSystem& file_system, const std::string& path, ExtPathRules rules) {
  return Walk(file_system, path, rules).to_the_end();
}

// Those of the file system itself have no names.
ext2_inode read_inode(ExtFileSystem& file_system, ext2_ino_t number) {
  if (number != EXT2_ROOT_INO && number < EXT2_FIRST_INODE(file_system.handle()->super)) {
    throw refused("a name in the guest leads into its file system's own tables");
  }
  ext2_inode inode{};
  require(ext2fs_read_inode(file_system.handle(), number, &inode), "read an inode");
  if (inode.i_links_count == 0) throw refused("a name in the guest leads to a deleted file");
  return inode;
}

void set_owner_and_mode(ExtFileSystem& file_system, ext2_ino_t number, unsigned mode) {
  ext2_inode inode = read_inode(file_system, number);
  inode.i_mode = static_cast<std::uint16_t>((inode.i_mode & LINUX_S_IFMT) | (mode & 07777U));
  inode.i_uid = 0;
  inode.i_gid = 0;
  inode.osd2.linux2.l_i_uid_high = 0;
  inode.osd2.linux2.l_i_gid_high = 0;
  inode.i_ctime = static_cast<std::uint32_t>(std::time(nullptr));
  require(ext2fs_write_inode(file_system.handle(), number, &inode), "write an inode");
}

void link_inode(ExtFileSystem& file_system, const ExtPlace& place, ext2_ino_t number, int file_type) {
  const ext2_filsys handle = file_system.handle();
  const auto link = [&] { return ext2fs_link(handle, place.directory, place.name.c_str(), number, file_type); };
  errcode_t failed = link();
  if (failed == EXT2_ET_DIR_NO_SPACE) {
    require(ext2fs_expand_dir(handle, place.directory), "make room in a directory");
    failed = link();
  }
  require(failed, "name a file");
}

ext2_ino_t make_directory_at(ExtFileSystem& file_system, const ExtPlace& place) {
  const ext2_filsys handle = file_system.handle();
  ext2_ino_t number = 0;
  require(ext2fs_new_inode(handle, place.directory, LINUX_S_IFDIR | 0755, nullptr, &number), "find a free inode");
  errcode_t failed = ext2fs_mkdir(handle, place.directory, number, place.name.c_str());
  if (failed == EXT2_ET_DIR_NO_SPACE) {
    require(ext2fs_expand_dir(handle, place.directory), "make room in a directory");
    failed = ext2fs_mkdir(handle, place.directory, number, place.name.c_str());
  }
  require(failed, "make a directory");
  set_owner_and_mode(file_system, number, 0755);
  return number;
}

}  // namespace basecache::guest
