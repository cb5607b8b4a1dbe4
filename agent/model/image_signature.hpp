#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace basecache::model {

enum class SignatureHash { sha224, sha256, sha384, sha512 };

// How the signing key works; for ECDSA the curve is part of it.
enum class SignatureKeyType {
  rsa_pss,
  dsa,
  ecc_sect571k1,
  ecc_sect409k1,
  ecc_sect571r1,
  ecc_sect409r1,
  ecc_secp521r1,
  ecc_secp384r1,
};

// As the image's properties spell them: "SHA-256", "RSA-PSS", "ECC_SECP384R1".
std::string_view name_of(SignatureHash hash);
std::string_view name_of(SignatureKeyType type);

// What an image's owner says of the signature over its stored bytes. Words and limits are those of OpenStack
// (cursive/signature_utils.py, which Nova and Glance verify with).
struct ImageSignature {
  std::string value;  // the signature's own bytes, decoded
  SignatureHash hash = SignatureHash::sha256;
  SignatureKeyType key_type = SignatureKeyType::rsa_pss;
  std::string certificate_id;  // UUID in lower case
};

// From img_signature, img_signature_hash_method, img_signature_key_type and img_signature_certificate_uuid. Nothing
// when none of them is there. Error(image_unacceptable) naming the property (field "property") when some are missing,
// or one is unknown or malformed: half a signature is nobody's intention.
std::optional<ImageSignature> signature_of(const std::map<std::string, std::string>& properties);

}  // namespace basecache::model
