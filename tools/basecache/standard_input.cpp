#include "tools/basecache/standard_input.hpp"

#include <unistd.h>

#include <cerrno>

#include "agent/base/error.hpp"

namespace basecache::cli {

std::string read_standard_input(Bytes limit) {
  constexpr std::size_t kBlock = 64 * 1024;
  std::string text;
  while (text.size() <= limit.count) {
    const std::size_t before = text.size();
    text.resize(before + kBlock);
    const ssize_t count = ::read(STDIN_FILENO, text.data() + before, kBlock);
    const int error = errno;
    text.resize(before + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count == 0) break;
    if (count < 0 && error != EINTR) throw Error::from_errno(error, "read what comes in on stdin");
  }
  return text;
}

}  // namespace basecache::cli
