#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/basecache/command.hpp"

namespace basecache::cli {

// What options say of an instance; "" and nothing where they weren't given.
struct CreationOptions {
  std::string spec, instance, image, checksum, kernel, ramdisk, name, hostname, images_type;
  std::string user_data, key_data, network_data, suffix;
  std::optional<std::uint64_t> root_gb, swap_mb, memory_mb;
  std::vector<std::uint64_t> ephemeral_gb;
  std::vector<std::string> metadata, files;
  bool config_drive = false;
  bool refresh_config_drive = false;
};

// The options that say what disks there are to be, and of what. `options` must live as long as the command.
void declare_disks(Command& command, CreationOptions& options);

// The options that say what a guest is told, and the file that says everything. The same of `options`.
void declare_guest(Command& command, CreationOptions& options);

// The spec file's creation request, with what the options say over it. Error(invalid_request) when a file isn't there
// or doesn't hold what it should, or when no instance is named.
nlohmann::json creation_request(const CreationOptions& options);

}  // namespace basecache::cli
