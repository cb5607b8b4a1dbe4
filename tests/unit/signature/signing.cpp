#include "tests/unit/signature/signing.hpp"

#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <span>
#include <stdexcept>

#include "agent/model/base64.hpp"

namespace basecache::test {
namespace {

using KeyContext = signature::Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Extension = signature::Owned<X509_EXTENSION, X509_EXTENSION_free>;

void require(bool success, const char* doing) {
  if (!success) throw std::runtime_error(std::string(doing) + ": " + signature::last_openssl_error());
}

Key make_dsa_key() {
  const KeyContext parameters(EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, nullptr));
  EVP_PKEY* group = nullptr;
  require(EVP_PKEY_paramgen_init(parameters.get()) == 1 &&
              EVP_PKEY_CTX_set_dsa_paramgen_bits(parameters.get(), 1024) == 1 &&
              EVP_PKEY_paramgen(parameters.get(), &group) == 1,
          "make a DSA group");
  const Key owned_group(group);
  const KeyContext generator(EVP_PKEY_CTX_new(group, nullptr));
  EVP_PKEY* key = nullptr;
  require(EVP_PKEY_keygen_init(generator.get()) == 1 && EVP_PKEY_keygen(generator.get(), &key) == 1, "make a DSA key");
  return Key(key);
}

void add_extension(X509* x509, int kind, const std::string& value) {
  if (value.empty()) return;
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  require(extension && X509_add_ext(x509, extension.get(), -1) == 1, "add an extension");
}

void set_name(X509_NAME* name, const std::string& common_name) {
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1, "name a certificate");
}

void set_time(ASN1_TIME* time, std::chrono::hours from_now) {
  require(ASN1_TIME_set(time, std::time(nullptr) + std::chrono::seconds(from_now).count()) != nullptr, "date it");
}

}  // namespace

Key make_key(const std::string& type) {
  if (type == "DSA") return make_dsa_key();
  if (type == "RSA-PSS") return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type.substr(type.find('_') + 1).c_str()));
  require(key != nullptr, "make an EC key");
  return key;
}

std::string make_certificate(EVP_PKEY* key, const CertificateWish& wish) {
  const signature::OwnedCertificate x509(X509_new());
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  set_name(X509_get_subject_name(x509.get()), wish.name);
  set_name(X509_get_issuer_name(x509.get()), wish.issuer.empty() ? wish.name : wish.issuer);
  set_time(X509_getm_notBefore(x509.get()), wish.from);
  set_time(X509_getm_notAfter(x509.get()), wish.to);
  X509_set_pubkey(x509.get(), key);
  add_extension(x509.get(), NID_basic_constraints, wish.constraints);
  add_extension(x509.get(), NID_key_usage, wish.key_usage);
  EVP_PKEY* signer = wish.issuer_key == nullptr ? key : wish.issuer_key;
  require(X509_sign(x509.get(), signer, EVP_get_digestbyname(wish.digest)) > 0, "sign a certificate");
  const signature::OwnedBio bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(bio.get(), x509.get()) == 1, "write a certificate");
  return signature::text_of(bio.get());
}

std::string der_of(const std::string& pem) {
  const signature::OwnedBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const signature::OwnedCertificate x509(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  require(x509 != nullptr, "read a certificate");
  std::string der(static_cast<std::size_t>(i2d_X509(x509.get(), nullptr)), '\0');
  auto* next = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(x509.get(), &next);
  return der;
}

std::string sign(EVP_PKEY* key, const std::string& hash, std::string_view bytes, std::optional<int> salt) {
  const signature::OwnedDigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  require(EVP_DigestSignInit_ex(context.get(), &options, hash.c_str(), nullptr, nullptr, key, nullptr) == 1, "sign");
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
    require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt.value_or(RSA_PSS_SALTLEN_MAX)) == 1,
            "pad with PSS");
  }
  const auto* text = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, text, bytes.size()) == 1, "sign");
  std::string value(size, '\0');
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(value.data()), &size, text, bytes.size()) == 1,
          "sign");
  value.resize(size);
  return model::base64_encode(value);
}

std::string certificate_id(int number) { return "5f4b2c1e-97c3-4a55-8d5c-6a1f0e3d200" + std::to_string(number); }

model::ImageRecord signed_image(const std::string& signature, const std::string& hash, const std::string& key_type,
                                const std::string& certificate) {
  return {.ref = model::ImageRef::parse("0e7f6c2d-11aa-4b6e-9a53-d2f1f2a7c001", "image"),
          .name = "debian",
          .disk_format = {},
          .size = {},
          .digest = {},
          .properties = {{"img_signature", signature},
                         {"img_signature_hash_method", hash},
                         {"img_signature_key_type", key_type},
                         {"img_signature_certificate_uuid", certificate}}};
}

void verify(fetch::Verification& verification, std::string_view bytes, std::size_t block) {
  for (std::size_t at = 0; at < bytes.size(); at += block) {
    verification.update(std::as_bytes(std::span(bytes.substr(at, block))));
  }
  verification.finish();
}

}  // namespace basecache::test
