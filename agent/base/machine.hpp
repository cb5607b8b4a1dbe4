#pragma once

#include <string>

namespace basecache {

// What tells this machine from every other: machine-id(5), or its hostname where it has none. Two machines may have one
// hostname.
std::string machine_id();

}  // namespace basecache
