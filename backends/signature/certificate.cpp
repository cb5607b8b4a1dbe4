#include "backends/signature/certificate.hpp"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::signature {
namespace {

OwnedCertificate from_pem(std::string_view text) {
  const OwnedBio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // Without a callback OpenSSL asks the terminal for the pass phrase of an encrypted one.
  const auto no_pass_phrase = [](char*, int, int, void*) { return -1; };
  return OwnedCertificate(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
}

OwnedCertificate from_der(std::string_view bytes) {
  const auto* next = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* end = next + bytes.size();
  OwnedCertificate x509(d2i_X509(nullptr, &next, static_cast<long>(bytes.size())));
  return next == end ? std::move(x509) : nullptr;
}

std::string utc(const ASN1_TIME* time) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print_ex(bio.get(), time, ASN1_DTFLGS_ISO8601);
  return text_of(bio.get());
}

std::string curve_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) return "(unnamed curve)";
  std::string curve(name.data(), length);
  for (char& c : curve) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return curve;
}

// In the words of the property img_signature_key_type, or OpenSSL's where that has none.
std::string type_of(const EVP_PKEY* key) {
  if (key == nullptr) return "unknown to OpenSSL";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return std::string(name_of(model::SignatureKeyType::rsa_pss));
    case EVP_PKEY_DSA:
      return std::string(name_of(model::SignatureKeyType::dsa));
    case EVP_PKEY_EC:
      return "ECC_" + curve_of(key);
    default:
      return OBJ_nid2sn(EVP_PKEY_get_base_id(key));
  }
}

}  // namespace

Certificate Certificate::parse(const std::string& id, std::string_view content) {
  OwnedCertificate x509 = content.find("-----BEGIN") == std::string_view::npos ? from_der(content) : from_pem(content);
  if (x509) return {id, std::move(x509)};
  throw Error(ErrorCode::image_unacceptable, fmt::format("cannot read certificate {}: {}", id, last_openssl_error()))
      .set_hint("its file must hold an X.509 certificate in PEM or DER")
      .add_field("certificate", id);
}

std::string Certificate::subject() const { return shown_name(X509_get_subject_name(x509_.get())); }
std::string Certificate::issuer() const { return shown_name(X509_get_issuer_name(x509_.get())); }

void Certificate::require_valid_now() const {
  const OwnedTime now(ASN1_TIME_set(nullptr, std::time(nullptr)));
  const ASN1_TIME* first = X509_get0_notBefore(x509_.get());
  const ASN1_TIME* last = X509_get0_notAfter(x509_.get());
  const int since_first = ASN1_TIME_compare(now.get(), first);  // -1, 0, 1; -2: one of them is malformed
  const int since_last = ASN1_TIME_compare(now.get(), last);
  if (since_first >= 0 && (since_last == 0 || since_last == -1)) return;
  throw Error(ErrorCode::image_unacceptable,
              fmt::format("certificate {} ({}) {}: it is valid from {} to {}, and now is {}", id_, subject(),
                          since_last == 1 ? "has expired" : "is not valid yet", utc(first), utc(last), utc(now.get())))
      .set_hint("sign the image with a certificate that is valid now, and check this node's clock")
      .add_field("certificate", id_);
}

void Certificate::require_key_type(model::SignatureKeyType type) const {
  const std::string found = type_of(X509_get0_pubkey(x509_.get()));
  if (found == name_of(type)) return;
  throw Error(ErrorCode::image_unacceptable,
              fmt::format("the image's property img_signature_key_type is {}, but the key of certificate {} ({}) is {}",
                          name_of(type), id_, subject(), found))
      .set_hint("correct img_signature_key_type or img_signature_certificate_uuid")
      .add_field("certificate", id_);
}

bool Certificate::may_sign_certificates() const {
  const bool marked = (X509_get_extension_flags(x509_.get()) & EXFLAG_KUSAGE) != 0;
  return X509_check_ca(x509_.get()) == 1 && marked && (X509_get_key_usage(x509_.get()) & KU_KEY_CERT_SIGN) != 0;
}

}  // namespace basecache::signature
