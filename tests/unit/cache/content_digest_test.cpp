#include "agent/cache/content_digest.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/base/digest.hpp"
#include "agent/base/posix_file.hpp"
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

std::string number(std::uint64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

std::string expected(const std::string& hashed) {
  return "sparse-sha256:" + hex_digest(DigestAlgorithm::sha256, hashed);
}

}  // namespace

TEST_CASE("a content digest is of the length and of each block that isn't zero with its index") {
  const std::string block(kBlock, 'a');
  const std::string end = "end";
  DigestedFile file(block + std::string(kBlock, '\0') + end);
  CHECK(file.digest() == expected(number(2 * kBlock + 3) + number(0) + block + number(2) + end));
}

TEST_CASE("an empty file and one without data have the digest of their length") {
  DigestedFile file("");
  CHECK(file.digest() == expected(number(0)));
  file.make_longer(10 << 20);
  CHECK(file.digest() == expected(number(10 << 20)));
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
  std::string hashed;
  for (std::size_t i = 0; i < 40; ++i)
    content += std::string(kBlock, i % 3 == 0 ? '\0' : static_cast<char>('a' + i % 7));
  hashed = number(content.size());
  for (std::size_t i = 0; i < 40; ++i) {
    if (i % 3 != 0) hashed += number(i) + content.substr(i * kBlock, kBlock);
  }
  CHECK(DigestedFile(content).digest() == expected(hashed));
}
