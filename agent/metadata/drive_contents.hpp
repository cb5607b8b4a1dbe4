#pragma once

#include <string>
#include <vector>

namespace basecache::metadata {

// One file on the config drive: path below its root ("openstack/latest/meta_data.json") and bytes.
struct DriveFile {
  std::string path;
  std::string contents;
};
using DriveContents = std::vector<DriveFile>;

}  // namespace basecache::metadata
