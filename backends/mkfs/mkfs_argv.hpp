#pragma once

#include <string>
#include <vector>

#include "agent/base/path.hpp"

namespace basecache::mkfs {

// The command line that makes an empty file system of that name with that label on `file`. Pure.
// Error(invalid_request): a file system we can't make (the hint lists the ones we can), or a label that it can't hold.
std::vector<std::string> mkfs_argv(const Path& file, const std::string& file_system, const std::string& label);

std::vector<std::string> mkswap_argv(const Path& file);

}  // namespace basecache::mkfs
