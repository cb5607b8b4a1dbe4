#pragma once

#include <stdexcept>

namespace basecache::guest {

// Not ext2/3/4, or one with something that we leave to a Linux in an appliance; what() says what. Nothing was changed.
struct UnsupportedFileSystem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One that is ext2/3/4, so that it may well be the one that is looked for.
struct UnsupportedExt : UnsupportedFileSystem {
  using UnsupportedFileSystem::UnsupportedFileSystem;
};

}  // namespace basecache::guest
