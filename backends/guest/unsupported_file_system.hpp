#pragma once

#include <stdexcept>

namespace basecache::guest {

// Not ext2/3/4, or one with something that we leave to a Linux in an appliance; what() says what. Nothing was changed.
struct UnsupportedFileSystem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace basecache::guest
