#include "backends/signature/signature_verifier.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/image_signature.hpp"
#include "backends/signature/signature_verification.hpp"
#include "backends/signature/trust.hpp"

namespace basecache::signature {
namespace {

model::ImageSignature required_signature(const model::ImageRecord& image) {
  if (auto signature = model::signature_of(image.properties)) return *std::move(signature);
  throw Error(ErrorCode::image_unacceptable, "the image is not signed, and this node takes signed images only")
      .set_hint("sign it and set its img_signature properties, or turn verify_glance_signatures off");
}

}  // namespace

SignatureVerifier::SignatureVerifier(SignatureSettings settings)
    : settings_(std::move(settings)), directory_(settings_.certificate_directory) {
  if (!settings_.wanted() || !settings_.certificate_directory.empty()) return;
  throw Error(ErrorCode::invalid_request, "image signatures are to be verified, but there is no certificate_directory")
      .set_hint("set it to the directory that holds the signers' certificates as <uuid>.pem");
}

std::unique_ptr<fetch::Verification> SignatureVerifier::begin(const model::ImageRecord& image) const {
  if (!settings_.wanted()) return nullptr;
  const std::string shown = quote_unless_plain(image.ref.shown());
  return with_context([&] { return "verify the signature of image " + shown; },
                      [&] {
                        model::ImageSignature signature = required_signature(image);
                        Certificate certificate = directory_.load(signature.certificate_id);
                        certificate.require_valid_now();
                        if (settings_.validate_certificates) {
                          require_trusted(certificate, settings_.trusted_certificate_ids, directory_);
                        }
                        certificate.require_key_type(signature.key_type);
                        return std::make_unique<SignatureVerification>(shown, std::move(signature),
                                                                       std::move(certificate));
                      });
}

}  // namespace basecache::signature
