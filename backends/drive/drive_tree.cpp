#include "backends/drive/drive_tree.hpp"

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::drive {
namespace {

bool is_plain(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('\0') == name.npos;
}

Error twice(const std::string& path) {
  return Error(ErrorCode::invalid_request, quote(path) + " is on the config drive twice");
}

void add(DriveDirectory& root, const metadata::DriveFile& file) {
  DriveDirectory* directory = &root;
  for (std::string_view rest = file.path;;) {
    const std::size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    if (!is_plain(name)) {
      throw Error(ErrorCode::invalid_request, quote(file.path) + " is no path of a file on a config drive");
    }
    if (slash == rest.npos) {
      if (directory->directories.contains(name) || !directory->files.emplace(name, file.contents).second) {
        throw twice(file.path);
      }
      return;
    }
    if (directory->files.contains(name)) throw twice(file.path);
    directory = &directory->directories[name];
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace

DriveDirectory tree_of(const metadata::DriveContents& contents) {
  DriveDirectory root;
  for (const metadata::DriveFile& file : contents) add(root, file);
  return root;
}

}  // namespace basecache::drive
