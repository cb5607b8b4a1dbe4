#pragma once

#include <string>

#include "agent/base/byte_size.hpp"

namespace basecache::cli {

// All of stdin, but at most about so much of it. Error when it can't be read.
std::string read_standard_input(Bytes limit);

}  // namespace basecache::cli
