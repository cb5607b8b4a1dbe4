#include "agent/fetch/file_digest.hpp"

#include <fcntl.h>

#include <cstddef>
#include <span>
#include <vector>

#include "agent/base/posix_file.hpp"

namespace basecache::fetch {

Digest file_digest(const Path& path, DigestAlgorithm algorithm, const OpContext& op) {
  constexpr std::size_t kBlock = 1 << 20;
  const UniqueFd file = open_file(path, O_RDONLY);
  Hasher hasher(algorithm);
  std::vector<std::byte> block(kBlock);
  off_t offset = 0;
  while (const std::size_t count = read_at(file.get(), block, offset, path)) {
    op.check();
    hasher.update(std::span(block).first(count));
    offset += static_cast<off_t>(count);
  }
  return hasher.finish();
}

}  // namespace basecache::fetch
