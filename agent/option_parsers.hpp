#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/path.hpp"
#include "agent/config.hpp"
#include "agent/config_values.hpp"

// Values of options that have rules of their own. Each parse_* throws BadValue.
namespace basecache {

// One of supported_file_systems(), or empty.
std::string parse_file_system(std::string_view text);

// A command for each os_type: "linux=mkfs.ext4 -L %(fs_label)s %(target)s". Line ends stay: they are in the digits that
// Nova names base files by.
using MkfsCommands = decltype(Config::virt_mkfs);
MkfsCommands parse_mkfs_commands(std::string_view text);
std::string show_mkfs_commands(const MkfsCommands& commands);

std::vector<uid_t> parse_uids(std::string_view text);
std::vector<Path> parse_directories(std::string_view text);

// user, user:group or nothing. Who that is, is looked up where files are given away.
std::string parse_owner(std::string_view text);

// A name, or an address with ':' in it; a URL or a port would never match.
std::vector<std::string> parse_hosts(std::string_view text);

// Schemes, interfaces: plain words that may hold a '+'.
std::vector<std::string> parse_words(std::string_view text);

// Servers of an API. One without a scheme is taken as Nova does.
std::vector<std::string> parse_servers(std::string_view text);

std::vector<std::string> parse_uuids(std::string_view text);

// Names that lvm(8) takes; what it keeps for itself is refused where they are used.
std::string parse_lvm_name(std::string_view text);

// -2, -1, or the number of a partition.
int parse_partition(std::string_view text);

// -1: never; 0: Nova's default rate, a minute (nova/conf/imagecache.py).
std::optional<std::chrono::seconds> parse_prune_interval(std::string_view text);
std::string show_prune_interval(const std::optional<std::chrono::seconds>& interval);

// Image refs, and absolute paths of files of them.
std::vector<std::string> parse_precache(std::string_view text);

std::string parse_optional_path(std::string_view text);

}  // namespace basecache
