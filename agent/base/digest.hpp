#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace basecache {

enum class DigestAlgorithm { md5, sha1, sha256, sha384, sha512 };

std::string_view name_of(DigestAlgorithm algorithm);

struct Digest {
  DigestAlgorithm algorithm = DigestAlgorithm::sha512;
  std::string hex;  // lower case, of the algorithm's length

  // "sha512:<hex>", any case. Error(invalid_request) otherwise, naming the algorithms.
  static Digest parse(std::string_view text);
  std::string text() const;
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Computes one digest while bytes arrive (OpenSSL EVP).
class Hasher {
 public:
  explicit Hasher(DigestAlgorithm algorithm);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::span<const std::byte> bytes);
  Digest finish();  // once; restart() makes it usable again
  void restart();

 private:
  struct Context;
  DigestAlgorithm algorithm_;
  std::unique_ptr<Context> context_;
};

// Digest of a short text (cache keys).
std::string hex_digest(DigestAlgorithm algorithm, std::string_view text);

}  // namespace basecache
