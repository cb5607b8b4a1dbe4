#pragma once

#include <string>

namespace basecache::provision {

// What a guest is told to begin its own randomness with (nova/api/metadata/base.py, random_seed): 512 bytes, new ones
// for each config drive.
std::string random_seed();

}  // namespace basecache::provision
