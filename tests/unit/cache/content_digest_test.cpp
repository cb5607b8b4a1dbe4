#include "agent/cache/content_digest.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/base/posix_file.hpp"
#include "agent/base/sector_sum.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

constexpr std::size_t kBlock = 64 * 1024;

struct DigestedFile {
  explicit DigestedFile(const std::string& content) { write_file(path, content); }

  void make_longer(std::size_t length) const { REQUIRE(::truncate(path.c_str(), static_cast<off_t>(length)) == 0); }
  std::string digest() {
    const UniqueFd fd = open_file(path, O_RDONLY);
    read = {};
    return cache::content_digest(fd.get(), path, [this](Bytes piece) { read = read + piece; });
  }

  ScratchDir scratch;
  Path path = scratch / "file";
  Bytes read = {};
};

std::string expected(const std::string& content) {
  SectorSum sum;
  sum.add(std::as_bytes(std::span(content)), 0);
  return "sectors-xxh3:" + std::to_string(content.size()) + ":" + sum.hex();
}

}  // namespace

TEST_CASE("a content digest is of the length and of each sector that isn't zero with its index") {
  const std::string content = std::string(kBlock, 'a') + std::string(kBlock, '\0') + "end";
  CHECK(DigestedFile(content).digest() == expected(content));
}

TEST_CASE("an empty file and one without data have the digest of their length") {
  DigestedFile file("");
  CHECK(file.digest() == "sectors-xxh3:0:00000000000000000000000000000000");
  file.make_longer(10 << 20);
  CHECK(file.digest() == "sectors-xxh3:10485760:00000000000000000000000000000000");
}

TEST_CASE("a hole and stored zeros have the same digest, and holes aren't read") {
  const std::string head(100, 'x');
  DigestedFile sparse(head);
  sparse.make_longer(64 << 20);
  DigestedFile full(head + std::string((64 << 20) - head.size(), '\0'));
  CHECK(sparse.digest() == full.digest());
  CHECK(sparse.read < full.read);
}

TEST_CASE("another byte, another place and another length are other digests") {
  const std::string zeros(kBlock, '\0');
  const std::string block(kBlock, 'a');
  std::string flipped = block;
  flipped[kBlock - 1] = 'b';
  const std::string original = DigestedFile(block + zeros).digest();
  CHECK(DigestedFile(flipped + zeros).digest() != original);
  CHECK(DigestedFile(zeros + block).digest() != original);
  CHECK(DigestedFile(block + zeros + zeros).digest() != original);
}

TEST_CASE("a digest of more than one piece reads each block once, wherever data begins") {
  std::string content;
  for (std::size_t i = 0; i < 40; ++i) {
    content += std::string(kBlock, i % 3 == 0 ? '\0' : static_cast<char>('a' + i % 7));
  }
  CHECK(DigestedFile(content).digest() == expected(content));
}
