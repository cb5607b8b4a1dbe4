#pragma once

#include <string>
#include <vector>

#include "agent/base/path.hpp"
#include "agent/fetch/image_verifier.hpp"
#include "backends/signature/certificate_directory.hpp"

namespace basecache::signature {

// The first three are Nova's options verify_glance_signatures, enable_certificate_validation and
// default_trusted_certificate_ids.
struct SignatureSettings {
  bool verify = false;
  bool validate_certificates = false;
  std::vector<std::string> trusted_certificate_ids;
  Path certificate_directory;

  // As in Nova (nova/image/glance.py), asking for validation against given certificates asks for verification.
  bool wanted() const { return verify || (validate_certificates && !trusted_certificate_ids.empty()); }
};

// Verifies images as Nova and cursive do, with certificates from a local directory in place of a key manager. Stricter
// than cursive in three points: the certificate has to be within its dates even when it isn't validated, the key's
// curve has to be the one named, and base64 has to be clean. More lenient in one: the length of an RSA-PSS salt.
class SignatureVerifier : public fetch::ImageVerifier {
 public:
  // Error(invalid_request) when verification is wanted without a certificate_directory.
  explicit SignatureVerifier(SignatureSettings settings);

  // An image without a signature is refused, one without a registry (a URL) therefore too.
  std::unique_ptr<fetch::Verification> begin(const model::ImageRecord& image) const override;

 private:
  SignatureSettings settings_;
  CertificateDirectory directory_;
};

}  // namespace basecache::signature
