#include "agent/base/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cctype>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

struct Row {
  DigestAlgorithm algorithm;
  std::string_view name;
  const EVP_MD* (*implementation)();
  std::size_t bytes;
};

constexpr std::array<Row, 5> kAlgorithms{{
    {DigestAlgorithm::md5, "md5", EVP_md5, 16},
    {DigestAlgorithm::sha1, "sha1", EVP_sha1, 20},
    {DigestAlgorithm::sha256, "sha256", EVP_sha256, 32},
    {DigestAlgorithm::sha384, "sha384", EVP_sha384, 48},
    {DigestAlgorithm::sha512, "sha512", EVP_sha512, 64},
}};

const Row& row_of(DigestAlgorithm algorithm) { return kAlgorithms[static_cast<std::size_t>(algorithm)]; }

}  // namespace

struct Hasher::Context {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> evp{EVP_MD_CTX_new()};
};

std::string_view name_of(DigestAlgorithm algorithm) { return row_of(algorithm).name; }

Digest Digest::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::string name = lower_case(text.substr(0, colon));
    const std::string hex = lower_case(text.substr(colon + 1));
    for (const Row& row : kAlgorithms) {
      if (row.name == name && is_hex(hex, row.bytes * 2)) return {.algorithm = row.algorithm, .hex = hex};
    }
  }
  throw Error(ErrorCode::invalid_request, "checksum " + quote(text, 80) + " is not ALGORITHM:HEX")
      .set_hint("md5, sha1, sha256, sha384 or sha512, a colon, and all of its hexadecimal digits");
}

std::string Digest::text() const { return fmt::format("{}:{}", name_of(algorithm), hex); }

Hasher::Hasher(DigestAlgorithm algorithm) : algorithm_(algorithm), context_(std::make_unique<Context>()) { restart(); }
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::restart() {
  if (EVP_DigestInit_ex(context_->evp.get(), row_of(algorithm_).implementation(), nullptr) != 1) {
    throw Error(ErrorCode::internal, fmt::format("cannot compute {} here", name_of(algorithm_)))
        .set_hint("the system's OpenSSL policy may forbid it");
  }
}

void Hasher::update(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()) != 1) {
    throw Error(ErrorCode::internal, fmt::format("computing {} failed", name_of(algorithm_)));
  }
}

Digest Hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context_->evp.get(), value.data(), &size) != 1) {
    throw Error(ErrorCode::internal, fmt::format("computing {} failed", name_of(algorithm_)));
  }
  Digest digest{.algorithm = algorithm_, .hex = {}};
  for (unsigned int i = 0; i < size; ++i) digest.hex += fmt::format("{:02x}", value[i]);
  return digest;
}

std::string hex_digest(DigestAlgorithm algorithm, std::string_view text) {
  Hasher hasher(algorithm);
  hasher.update(std::as_bytes(std::span(text)));
  return hasher.finish().hex;
}

}  // namespace basecache
