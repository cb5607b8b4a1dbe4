#include "backends/mkfs/mkfs_formatter.hpp"

#include "agent/base/subprocess.hpp"
#include "backends/mkfs/mkfs_argv.hpp"

namespace basecache::mkfs {

void MkfsFormatter::format_file_system(const Path& file, const std::string& file_system, const std::string& label,
                                       OpContext& op) {
  const Command command{.argv = mkfs_argv(file, file_system, label)};
  run_checked(command, op, "make an empty " + file_system + " file system");
}

void MkfsFormatter::format_swap(const Path& file, OpContext& op) {
  run_checked({.argv = mkswap_argv(file)}, op, "make swap space");
}

}  // namespace basecache::mkfs
