#pragma once

#include <optional>

namespace basecache::libvirt {

// The child process that asks libvirt: the daemon's own program (and the command line's), started as
//   PROGRAM list-domains URI
// It prints the lines of domain_lines.hpp. Exit code 0: all of them; 1: the last one says why not. A process of its
// own, because libvirt's calls end only when libvirt answers, and its library is loaded in here alone.
inline constexpr const char* kListArgument = "list-domains";

// For the first line of main(): the exit code when the arguments ask for it.
std::optional<int> run_if_domain_lister(int argc, const char* const* argv);

}  // namespace basecache::libvirt
