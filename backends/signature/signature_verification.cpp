#include "backends/signature/signature_verification.hpp"

#include <fmt/format.h>
#include <openssl/rsa.h>

#include "agent/base/error.hpp"

namespace basecache::signature {
namespace {

bool set_pss(EVP_PKEY_CTX* key) {
  return EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_AUTO) == 1;
}

}  // namespace

SignatureVerification::SignatureVerification(std::string image, model::ImageSignature signature,
                                             Certificate certificate)
    : image_(std::move(image)), signature_(std::move(signature)), certificate_(std::move(certificate)) {
  restart();
}

void SignatureVerification::restart() {
  context_.reset(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key = nullptr;
  const std::string hash(name_of(signature_.hash));  // OpenSSL knows them by the same names
  const bool ready = EVP_DigestVerifyInit_ex(context_.get(), &key, hash.c_str(), nullptr, nullptr,
                                             X509_get0_pubkey(certificate_.x509()), nullptr) == 1 &&
                     (signature_.key_type != model::SignatureKeyType::rsa_pss || set_pss(key));
  if (ready) return;
  throw Error(
      ErrorCode::image_unacceptable,
      fmt::format("cannot verify {} with {} by the key of certificate {} ({}): {}", name_of(signature_.key_type), hash,
                  certificate_.id(), certificate_.subject(), last_openssl_error()))
      .set_hint(
          "the system's OpenSSL policy, or a restriction in the certificate, may forbid it: sign the image with "
          "another key or hash method");
}

void SignatureVerification::update(std::span<const std::byte> bytes) {
  if (EVP_DigestVerifyUpdate(context_.get(), bytes.data(), bytes.size()) == 1) return;
  throw Error(ErrorCode::internal, "hashing the bytes of image " + image_ + " failed: " + last_openssl_error());
}

void SignatureVerification::finish() {
  const auto* value = reinterpret_cast<const unsigned char*>(signature_.value.data());
  if (EVP_DigestVerifyFinal(context_.get(), value, signature_.value.size()) == 1) return;
  (void)last_openssl_error();  // says no more than that it is not one
  throw Error(
      ErrorCode::checksum_mismatch,
      fmt::format("the bytes of image {} are not the signed ones: img_signature ({} bytes, {}, {}) doesn't verify "
                  "with the key of certificate {} ({})",
                  image_, signature_.value.size(), name_of(signature_.key_type), name_of(signature_.hash),
                  certificate_.id(), certificate_.subject()))
      .set_hint(
          "the image was changed after it was signed, or img_signature* and the certificate are of another one: "
          "sign it anew")
      .add_field("certificate", certificate_.id());
}

}  // namespace basecache::signature
