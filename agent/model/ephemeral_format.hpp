#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "agent/model/mkfs_command.hpp"

namespace basecache::model {

// What formats an ephemeral disk: one of supported_guest_formats() by its name, or a command of the configuration.
using EphemeralFormat = std::variant<std::string, MkfsCommand>;

// "ext4", or the command as it was configured.
const std::string& text_of(const EphemeralFormat& format);
// Whether what it makes tells one label from another.
bool writes_label(const EphemeralFormat& format);

// The file systems that are made by default or by name: ext2, ext3, ext4, xfs, vfat, ntfs (nova/privsep/fs.py).
std::span<const std::string_view> supported_file_systems();
bool is_supported_file_system(std::string_view name);
// What a request may have an ephemeral disk formatted as: these, and swap.
std::span<const std::string_view> supported_guest_formats();
bool is_supported_guest_format(std::string_view name);

}  // namespace basecache::model
