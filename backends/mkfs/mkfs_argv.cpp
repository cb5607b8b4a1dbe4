#include "backends/mkfs/mkfs_argv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::mkfs {
namespace {

struct FileSystem {
  std::string_view name;
  std::string_view program;
  std::vector<std::string> flags;  // before the label's
  std::string label_flag;
  std::size_t longest_label;  // bytes, by the format on disk
};

// The quiet flag keeps stderr for what went wrong. -F and -f let a tool write to a regular file, or over what it takes
// for another file system, without asking. ntfs: without --quick it writes zeroes all over the file.
const std::array<FileSystem, 7>& file_systems() {
  static const std::array<FileSystem, 7> known{{
      {"ext2", "mkfs.ext2", {"-q", "-F"}, "-L", 16},
      {"ext3", "mkfs.ext3", {"-q", "-F"}, "-L", 16},
      {"ext4", "mkfs.ext4", {"-q", "-F"}, "-L", 16},
      {"ntfs", "mkfs.ntfs", {"-q", "--force", "--quick"}, "-L", 128},
      {"swap", "mkswap", {}, "-L", 15},  // of 16 bytes, the last of which is zero
      {"vfat", "mkfs.vfat", {}, "-n", 11},
      {"xfs", "mkfs.xfs", {"-q", "-f"}, "-L", 12},
  }};
  return known;
}

const FileSystem& known(const std::string& name) {
  const auto found = std::ranges::find(file_systems(), name, &FileSystem::name);
  if (found != file_systems().end()) return *found;
  std::string names;
  for (const FileSystem& one : file_systems()) names += fmt::format("{}{}", names.empty() ? "" : ", ", one.name);
  throw Error(ErrorCode::invalid_request, "cannot make a file system " + quote(name)).set_hint("known are: " + names);
}

void check_label(const FileSystem& system, const std::string& label) {
  // A leading dash would be read as an option.
  if (label.size() <= system.longest_label && !label.starts_with('-')) return;
  throw Error(ErrorCode::invalid_request, fmt::format("label {} is not one that {} can hold ({} bytes)", quote(label),
                                                      system.name, system.longest_label));
}

}  // namespace

std::vector<std::string> mkfs_argv(const Path& file, const std::string& file_system, const std::string& label) {
  const FileSystem& system = known(file_system);
  check_label(system, label);
  std::vector<std::string> argv{std::string(system.program)};
  argv.insert(argv.end(), system.flags.begin(), system.flags.end());
  if (!label.empty()) argv.insert(argv.end(), {system.label_flag, label});
  argv.push_back(file.native());
  return argv;
}

std::vector<std::string> mkfs_argv(const Path& file, const model::EphemeralBase& blank) {
  if (const auto* command = std::get_if<model::MkfsCommand>(&blank.format)) return command->argv(blank.label(), file);
  return mkfs_argv(file, model::text_of(blank.format), blank.label());
}

std::vector<std::string> mkswap_argv(const Path& file) { return {"mkswap", file.native()}; }

}  // namespace basecache::mkfs
