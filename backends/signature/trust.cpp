#include "backends/signature/trust.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/base/error.hpp"
#include "backends/signature/openssl.hpp"

namespace basecache::signature {
namespace {

// OpenSSL's scale: 80 bits, which leaves out SHA-1 and what is weaker.
constexpr int kSecurityLevel = 1;

struct Trusted {
  OwnedStore store{X509_STORE_new()};
  std::vector<std::string> unusable;  // why, one a certificate
};

void add_trusted(const std::string& id, const CertificateDirectory& directory, Trusted& trusted) {
  try {
    const Certificate certificate = directory.load(id);
    if (!certificate.may_sign_certificates()) {
      trusted.unusable.push_back(
          fmt::format("certificate {} ({}) is not marked as one that signs certificates (CA and keyCertSign)",
                      certificate.id(), certificate.subject()));
    } else if (X509_STORE_add_cert(trusted.store.get(), certificate.x509()) != 1) {
      trusted.unusable.push_back(fmt::format("certificate {}: {}", certificate.id(), last_openssl_error()));
    }
  } catch (const Error& error) {
    trusted.unusable.push_back(error.message());
  }
}

[[noreturn]] void refuse(const Certificate& certificate, const std::string& reason, const Trusted& trusted) {
  std::string message = fmt::format("certificate {} ({}, issued by {}) is not trusted: {}", certificate.id(),
                                    certificate.subject(), certificate.issuer(), reason);
  if (!trusted.unusable.empty()) {
    message += fmt::format("; of the trusted certificates these were no use: {}", fmt::join(trusted.unusable, "; "));
  }
  throw Error(ErrorCode::image_unacceptable, message)
      .set_hint("default_trusted_certificate_ids must name its issuer and every certificate above that, up to the root")
      .add_field("certificate", certificate.id());
}

// Why not; empty when it is trusted.
std::string failure_of_chain(const Certificate& certificate, const Trusted& trusted) {
  const OwnedStoreContext context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), trusted.store.get(), certificate.x509(), nullptr) != 1) {
    return last_openssl_error();
  }
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context.get()), kSecurityLevel);
  if (X509_verify_cert(context.get()) == 1) return "";
  (void)last_openssl_error();
  const std::string reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  const X509* where = X509_STORE_CTX_get_current_cert(context.get());
  return where == nullptr ? reason : fmt::format("{} (at {})", reason, shown_name(X509_get_subject_name(where)));
}

}  // namespace

void require_trusted(const Certificate& certificate, const std::vector<std::string>& trusted_ids,
                     const CertificateDirectory& directory) {
  Trusted trusted;
  if (trusted_ids.empty()) refuse(certificate, "default_trusted_certificate_ids is empty", trusted);
  for (const std::string& id : trusted_ids) add_trusted(id, directory, trusted);
  const std::string failure = failure_of_chain(certificate, trusted);
  if (!failure.empty()) refuse(certificate, failure, trusted);
}

}  // namespace basecache::signature
