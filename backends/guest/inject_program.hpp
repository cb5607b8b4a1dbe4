#pragma once

#include <optional>

namespace basecache::guest {

// The child process that reads a guest's file system: the daemon's own program (and the command line's), started as
//   PROGRAM inject-files
// with the disk (read only) as descriptor 3, an empty file for the changes as descriptor 4, and an InjectJob on its
// standard input. It opens nothing, and writes to no disk. Exit code 0: descriptor 4 has the changes (disk_changes.hpp)
// and stdout what couldn't be put in; else stderr says why not.
inline constexpr const char* kInjectArgument = "inject-files";
inline constexpr int kDiskFd = 3;
inline constexpr int kChangesFd = 4;

inline constexpr int kUnsupported = 2;   // UnsupportedFileSystem
inline constexpr int kUnacceptable = 3;  // Error(image_unacceptable)

// For the first line of main(): the exit code when the arguments ask for it.
std::optional<int> run_if_injector(int argc, const char* const* argv);

}  // namespace basecache::guest
