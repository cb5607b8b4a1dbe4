#include "backends/drive/drive_files.hpp"

#include <algorithm>
#include <utility>

#include "agent/base/text.hpp"
#include "agent/model/drive_format.hpp"

namespace basecache::drive {
namespace {

constexpr std::size_t kMostFiles = 4096;
constexpr std::ptrdiff_t kDeepest = 16;
constexpr std::size_t kLongestName = 3 * 255;  // FAT has 255 units of UTF-16, Linux 255 bytes

}  // namespace

Error unreadable(std::string_view why) {
  return Error(ErrorCode::image_unacceptable, "the config drive can't be read: " + std::string(why));
}

std::string DriveFiles::path_in(const std::string& directory, const std::string& name) {
  if (name.size() > kLongestName) throw unreadable("it has a name of more than 765 bytes");
  const bool is_plain =
      !name.empty() && name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos;
  if (!is_plain) throw unreadable(quote(name) + " is no name of a file");
  if (std::ranges::count(directory, '/') >= kDeepest) throw unreadable("its directories nest too deep");
  take(directory.size() + 1 + name.size());
  return directory.empty() ? name : directory + "/" + name;
}

void DriveFiles::count() {
  if (++count_ > kMostFiles) throw unreadable("it has more than 4096 files and directories");
}

void DriveFiles::add(const std::string& path, std::string contents) {
  take(contents.size());
  files_.push_back({path, std::move(contents)});
}

void DriveFiles::take(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > model::kVfatDriveSize.count) throw unreadable("its files are larger than 64 MiB together");
}

metadata::DriveContents DriveFiles::sorted() && {
  std::ranges::sort(files_, {}, &metadata::DriveFile::path);
  return std::move(files_);
}

}  // namespace basecache::drive
