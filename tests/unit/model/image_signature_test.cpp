#include "agent/model/image_signature.hpp"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>

#include "agent/base/error.hpp"

using namespace basecache;
using model::signature_of;
using model::SignatureHash;
using model::SignatureKeyType;

namespace {

using Properties = std::map<std::string, std::string>;

Properties signed_properties() {
  return {{"os_distro", "debian"},
          {"img_signature", "c2lnbmF0dXJl"},
          {"img_signature_hash_method", "SHA-256"},
          {"img_signature_key_type", "RSA-PSS"},
          {"img_signature_certificate_uuid", "db3f2c1a-6f4e-4f58-9c60-0d8a5c4c8d11"}};
}

// What signature_of throws; fails the test when it doesn't.
Error refusal_of(const Properties& properties) {
  try {
    signature_of(properties);
  } catch (const Error& error) {
    return error;
  }
  FAIL("the signature was accepted");
  return {ErrorCode::internal, ""};
}

void check_refused(const Properties& properties, const std::string& property, const std::string& text) {
  const Error error = refusal_of(properties);
  CHECK(error.code() == ErrorCode::image_unacceptable);
  CHECK(error.message().find(property) != std::string::npos);
  CHECK(error.message().find(text) != std::string::npos);
  CHECK_FALSE(error.hint().empty());
  REQUIRE_FALSE(error.fields().empty());
  CHECK(error.fields().front().first == "property");
  CHECK(error.fields().front().second == property);
}

}  // namespace

TEST_CASE("an image without signature properties has no signature") {
  CHECK_FALSE(signature_of({}));
  CHECK_FALSE(signature_of({{"os_distro", "debian"}}));
}

TEST_CASE("a signature is read from the four properties") {
  const auto signature = signature_of(signed_properties());
  REQUIRE(signature);
  CHECK(signature->value == "signature");
  CHECK(signature->hash == SignatureHash::sha256);
  CHECK(signature->key_type == SignatureKeyType::rsa_pss);
  CHECK(signature->certificate_id == "db3f2c1a-6f4e-4f58-9c60-0d8a5c4c8d11");
}

TEST_CASE("every hash method and key type is known by its own name") {
  for (const auto hash : {SignatureHash::sha224, SignatureHash::sha256, SignatureHash::sha384, SignatureHash::sha512}) {
    Properties properties = signed_properties();
    properties["img_signature_hash_method"] = std::string(name_of(hash));
    CHECK(signature_of(properties)->hash == hash);
  }
  for (const char* name : {"RSA-PSS", "DSA", "ECC_SECT571K1", "ECC_SECT409K1", "ECC_SECT571R1", "ECC_SECT409R1",
                           "ECC_SECP521R1", "ECC_SECP384R1"}) {
    Properties properties = signed_properties();
    properties["img_signature_key_type"] = name;
    CHECK(name_of(signature_of(properties)->key_type) == name);
  }
}

TEST_CASE("a signature wrapped in lines, and a certificate in capitals, are read") {
  Properties properties = signed_properties();
  properties["img_signature"] = "c2ln\nbmF0\ndXJl\n";
  properties["img_signature_certificate_uuid"] = "DB3F2C1A-6F4E-4F58-9C60-0D8A5C4C8D11";
  CHECK(signature_of(properties)->value == "signature");
  CHECK(signature_of(properties)->certificate_id == "db3f2c1a-6f4e-4f58-9c60-0d8a5c4c8d11");
}

TEST_CASE("a signature that lacks a property is refused by the property's name") {
  for (const char* name :
       {"img_signature", "img_signature_hash_method", "img_signature_key_type", "img_signature_certificate_uuid"}) {
    Properties properties = signed_properties();
    properties.erase(name);
    check_refused(properties, name, "missing");
  }
}

TEST_CASE("properties that are unknown or malformed are refused with what was found") {
  const auto with = [](const char* name, const char* value) {
    Properties properties = signed_properties();
    properties[name] = value;
    return properties;
  };
  check_refused(with("img_signature", "not base64!"), "img_signature", "not base64!");
  check_refused(with("img_signature", ""), "img_signature", "''");
  check_refused(with("img_signature_hash_method", "MD5"), "img_signature_hash_method", "SHA-224, SHA-256");
  check_refused(with("img_signature_hash_method", "sha-256"), "img_signature_hash_method", "'sha-256'");
  check_refused(with("img_signature_key_type", "ECC_SECP256R1"), "img_signature_key_type", "ECC_SECP521R1");
  check_refused(with("img_signature_certificate_uuid", "../../etc/ssl/cert"), "img_signature_certificate_uuid",
                "../../etc/ssl/cert");
}
