#pragma once

#include <string>

#include "agent/fetch/verification.hpp"
#include "agent/model/image_signature.hpp"
#include "backends/signature/certificate.hpp"
#include "backends/signature/openssl.hpp"

namespace basecache::signature {

// Checks one signature with OpenSSL while the bytes pass by. The certificate's key has been found to be of the
// signature's type.
// RSA-PSS: MGF1 with the same hash, and any length of salt. Those who sign for OpenStack use the longest (cursive takes
// that one alone) or, by "openssl dgst", as it documents, OpenSSL's choice; the length adds no security.
class SignatureVerification : public fetch::Verification {
 public:
  // `image`: its name in messages.
  SignatureVerification(std::string image, model::ImageSignature signature, Certificate certificate);

  void update(std::span<const std::byte> bytes) override;
  void restart() override;
  void finish() override;

 private:
  std::string image_;
  model::ImageSignature signature_;
  Certificate certificate_;
  OwnedDigestContext context_;
};

}  // namespace basecache::signature
