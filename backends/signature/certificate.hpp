#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "agent/model/image_signature.hpp"
#include "backends/signature/openssl.hpp"

namespace basecache::signature {

// An X.509 certificate and the UUID it is known by.
class Certificate {
 public:
  // The first certificate of a PEM text, or one in DER. Error(image_unacceptable) when it is neither.
  static Certificate parse(const std::string& id, std::string_view content);

  const std::string& id() const { return id_; }
  // OpenSSL takes certificates it only reads without const.
  X509* x509() const { return x509_.get(); }
  std::string subject() const;  // on one line, for messages
  std::string issuer() const;

  // Error(image_unacceptable) with the dates when now is outside of them.
  void require_valid_now() const;
  // Error(image_unacceptable) with both when its key is not of this type; for ECC_* the curve counts too.
  void require_key_type(model::SignatureKeyType type) const;
  // Whether it says that it may sign certificates: CA in its basic constraints and keyCertSign in its key usage. Either
  // one left out means no, as in cursive; OpenSSL alone would be content without a key usage.
  bool may_sign_certificates() const;

 private:
  Certificate(std::string id, OwnedCertificate x509) : id_(std::move(id)), x509_(std::move(x509)) {}

  std::string id_;
  OwnedCertificate x509_;
};

}  // namespace basecache::signature
