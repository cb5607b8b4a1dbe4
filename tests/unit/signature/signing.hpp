#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/model/image.hpp"
#include "backends/signature/openssl.hpp"
#include "backends/signature/signature_verifier.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::test {

using Key = signature::Owned<EVP_PKEY, EVP_PKEY_free>;

// "RSA-PSS" (2048 bits), "DSA" (1024 bits, which is quick to make) or "ECC_<curve of OpenSSL>".
Key make_key(const std::string& type);

// What a certificate says. Times are from now.
struct CertificateWish {
  std::string name;                // its subject's common name
  std::string issuer = {};         // common name; empty: itself
  EVP_PKEY* issuer_key = nullptr;  // null: its own
  std::chrono::hours from{-24};
  std::chrono::hours to{24};
  std::string constraints = {};  // of OpenSSL's configuration: "CA:TRUE,pathlen:0"; empty: none
  std::string key_usage = {};    // "keyCertSign"; empty: none
  const char* digest = "SHA256";
};
inline const std::string kCa = "critical,CA:TRUE";

std::string make_certificate(EVP_PKEY* key, const CertificateWish& wish);  // PEM
std::string der_of(const std::string& pem);

// The signature of `bytes`, in base64. For RSA keys PSS with the longest salt, or one of `salt` bytes.
std::string sign(EVP_PKEY* key, const std::string& hash, std::string_view bytes, std::optional<int> salt = {});

// UUIDs that differ in their last digit.
std::string certificate_id(int number);

// An image of the registry, signed.
model::ImageRecord signed_image(const std::string& signature, const std::string& hash, const std::string& key_type,
                                const std::string& certificate = certificate_id(1));

// Passes `bytes` by in blocks and finishes.
void verify(fetch::Verification& verification, std::string_view bytes, std::size_t block = 4096);

// What `body` throws; an Error that says so when it throws none.
template <class Body>
Error refusal_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, "nothing was refused"};
}

inline bool says(const Error& error, std::string_view words) {
  return error.message().find(words) != std::string::npos && !error.hint().empty();
}

}  // namespace basecache::test
