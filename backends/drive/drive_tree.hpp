#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/metadata/drive_contents.hpp"

namespace basecache::drive {

// One directory of a config drive and what is below it. The contents are the caller's, and must outlive it.
struct DriveDirectory {
  std::map<std::string, DriveDirectory> directories;
  std::map<std::string, std::string_view> files;
};

// The files by their paths. Error(invalid_request) for a path that isn't relative and plain, or that is there twice.
DriveDirectory tree_of(const metadata::DriveContents& contents);

}  // namespace basecache::drive
