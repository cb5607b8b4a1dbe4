#include "agent/layout/state_files.hpp"

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::layout {

namespace fs = boost::filesystem;

void prepare_directories(const CacheLayout& layout) {
  for (const Path& directory :
       {layout.base_directory(), layout.lock_directory(), layout.record_directory(), layout.transfer_directory(),
        layout.pin_directory(), layout.refusal_directory(), layout.unfit_directory(), layout.quarantine_directory(),
        layout.domain_lease_directory(), layout.node_directory(), layout.instance_lock_directory()}) {
    make_directories(directory);
  }
}

void make_state_directory(const CacheLayout& layout, const Path& directory) {
  boost::system::error_code missing;
  if (fs::is_directory(directory, missing)) return;
  if (!fs::is_directory(layout.base_directory(), missing)) {
    throw Error(ErrorCode::storage_unusable, "there is no directory " + quote(layout.base_directory().native()))
        .set_hint("mount the file system it is on, or restart basecached, which makes it");
  }
  make_directories(directory);
}

void replace_state_file(const CacheLayout& layout, const Path& file, std::string_view content, Durability durability) {
  make_state_directory(layout, file.parent_path());
  replace_small_file(file, content, durability);
}

std::vector<Path> state_files(const Path& directory) {
  std::vector<Path> files;
  boost::system::error_code missing;
  fs::directory_iterator entry(directory, missing);
  if (missing && missing != boost::system::errc::no_such_file_or_directory) {
    throw Error::from_errno(missing.value(), "read directory " + quote(directory.native()));
  }
  for (; entry != fs::directory_iterator(); ++entry) {
    boost::system::error_code gone;
    if (fs::symlink_status(entry->path(), gone).type() == fs::regular_file) files.push_back(entry->path());
  }
  return files;
}

Path instance_lock_file(const CacheLayout& layout, std::string_view uuid) {
  make_state_directory(layout, layout.instance_lock_directory());
  return layout.instance_lock(uuid);
}

}  // namespace basecache::layout
