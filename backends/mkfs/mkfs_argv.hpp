#pragma once

#include <string>
#include <vector>

#include "agent/base/path.hpp"
#include "agent/model/base_file_spec.hpp"

namespace basecache::mkfs {

// The command line that makes an empty file system of that name, or swap, with that label on `file`. Pure.
// Error(invalid_request): a file system we can't make (the hint lists the ones we can), or a label that it can't hold.
std::vector<std::string> mkfs_argv(const Path& file, const std::string& file_system, const std::string& label);
// The same for whatever formats an ephemeral disk: the operator's command is taken as it is configured.
std::vector<std::string> mkfs_argv(const Path& file, const model::EphemeralBase& blank);

std::vector<std::string> mkswap_argv(const Path& file);

}  // namespace basecache::mkfs
