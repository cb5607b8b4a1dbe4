#include "agent/base/digest.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/base/error.hpp"

namespace basecache {
namespace {

// FIPS 180-2, appendix B.1.
constexpr const char* kSha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

void update(Hasher& hasher, std::string_view text) { hasher.update(std::as_bytes(std::span(text))); }

}  // namespace

TEST_CASE("digests are those of the published examples") {
  CHECK(hex_digest(DigestAlgorithm::md5, "") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(hex_digest(DigestAlgorithm::sha1, "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_digest(DigestAlgorithm::sha256, "abc") == kSha256OfAbc);
  CHECK(hex_digest(DigestAlgorithm::sha384, "abc").size() == 96);
  CHECK(hex_digest(DigestAlgorithm::sha512, "abc").size() == 128);
}

TEST_CASE("the pieces in which bytes arrive don't matter") {
  Hasher hasher(DigestAlgorithm::sha256);
  update(hasher, "a");
  update(hasher, "");
  update(hasher, "bc");
  CHECK(hasher.finish().hex == kSha256OfAbc);
}

TEST_CASE("a restarted hasher has forgotten what came before") {
  Hasher hasher(DigestAlgorithm::sha256);
  update(hasher, "first attempt, broken off");
  hasher.restart();
  update(hasher, "abc");
  CHECK(hasher.finish().hex == kSha256OfAbc);
}

TEST_CASE("a written digest is read in any case and shown in lower case") {
  std::string upper = std::string("SHA256:") + kSha256OfAbc;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const Digest digest = Digest::parse(upper);
  CHECK(digest.algorithm == DigestAlgorithm::sha256);
  CHECK(digest.text() == std::string("sha256:") + kSha256OfAbc);
  CHECK(digest == Digest::parse(digest.text()));
}

TEST_CASE("what isn't an algorithm and all of its digits is refused") {
  const std::string sha256 = kSha256OfAbc;
  const std::vector<std::string> refused = {"",
                                            sha256,
                                            "sha256:",
                                            "sha256:" + sha256 + "0",
                                            "sha512:" + sha256,
                                            "crc32:00000000",
                                            "sha256:" + sha256.substr(1) + "g",
                                            "sha256: " + sha256.substr(1)};
  for (const std::string& text : refused) {
    CAPTURE(text);
    CHECK_THROWS_AS(Digest::parse(text), Error);
  }
}

}  // namespace basecache
