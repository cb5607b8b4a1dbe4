#include "backends/mkfs/mkfs_formatter.hpp"

#include "agent/base/subprocess.hpp"
#include "backends/mkfs/mkfs_argv.hpp"

namespace basecache::mkfs {

void MkfsFormatter::format_ephemeral(const Path& file, const model::EphemeralBase& blank, OpContext& op) {
  const std::string& format = model::text_of(blank.format);
  const std::string what = model::is_supported_file_system(format) ? format + " file system" : "ephemeral disk";
  run_checked({.argv = mkfs_argv(file, blank)}, op, "make an empty " + what);
}

void MkfsFormatter::format_swap(const Path& file, OpContext& op) {
  run_checked({.argv = mkswap_argv(file)}, op, "make swap space");
}

}  // namespace basecache::mkfs
