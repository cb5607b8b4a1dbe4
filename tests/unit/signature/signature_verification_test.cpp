#include "backends/signature/signature_verification.hpp"

#include <doctest/doctest.h>

#include "agent/base/text.hpp"
#include "tests/unit/signature/openstack_vectors.hpp"
#include "tests/unit/signature/signing.hpp"

using namespace basecache;
using namespace basecache::test;
using signature::SignatureVerifier;

namespace {

const std::string kImage = "the bytes of an image, and some more of them";

// A node that verifies, and knows the certificate of one key.
struct SignersNode {
  explicit SignersNode(const std::string& key_type) : key(make_key(key_type)) {
    write_file(directory / (certificate_id(1) + ".pem"), make_certificate(key.get(), {.name = "signer"}));
  }

  std::unique_ptr<fetch::Verification> begin(const model::ImageRecord& image) const {
    return SignatureVerifier({.verify = true,
                              .validate_certificates = false,
                              .trusted_certificate_ids = {},
                              .certificate_directory = directory.path()})
        .begin(image);
  }

  ScratchDir directory;
  Key key;
};

Error refusal_of_bytes(fetch::Verification& verification, std::string_view bytes) {
  return refusal_of([&] { verify(verification, bytes); });
}

}  // namespace

TEST_CASE("an image signed with a key of any type is verified, and one flipped bit is found") {
  for (const char* type : {"RSA-PSS", "DSA", "ECC_SECT571K1", "ECC_SECT409K1", "ECC_SECT571R1", "ECC_SECT409R1",
                           "ECC_SECP521R1", "ECC_SECP384R1"}) {
    CAPTURE(type);
    const SignersNode node(std::string(type).starts_with("ECC_") ? lower_case(type) : type);
    const auto image = signed_image(sign(node.key.get(), "SHA-256", kImage), "SHA-256", type);
    CHECK_NOTHROW(verify(*node.begin(image), kImage));

    std::string flipped = kImage;
    flipped[10] = static_cast<char>(flipped[10] ^ 1);
    const Error error = refusal_of_bytes(*node.begin(image), flipped);
    CHECK(error.code() == ErrorCode::checksum_mismatch);
    CHECK(says(error, certificate_id(1)));
    CHECK(says(error, type));
    CHECK(says(error, image.ref.text()));
  }
}

TEST_CASE("every hash method verifies, and none in place of another") {
  const SignersNode node("RSA-PSS");
  for (const char* hash : {"SHA-224", "SHA-256", "SHA-384", "SHA-512"}) {
    CAPTURE(hash);
    const std::string signature = sign(node.key.get(), hash, kImage);
    CHECK_NOTHROW(verify(*node.begin(signed_image(signature, hash, "RSA-PSS")), kImage));

    const std::string other = hash == std::string("SHA-256") ? "SHA-512" : "SHA-256";
    const auto wrong = node.begin(signed_image(signature, other, "RSA-PSS"));
    CHECK(refusal_of_bytes(*wrong, kImage).code() == ErrorCode::checksum_mismatch);
  }
}

TEST_CASE("an RSA-PSS signature may have a salt of any length") {
  const SignersNode node("RSA-PSS");
  for (const int salt : {0, 32, 222}) {
    CAPTURE(salt);
    const auto image = signed_image(sign(node.key.get(), "SHA-256", kImage, salt), "SHA-256", "RSA-PSS");
    CHECK_NOTHROW(verify(*node.begin(image), kImage));
  }
}

TEST_CASE("what the commands of OpenStack's documentation signed is verified") {
  const ScratchDir directory;
  write_file(directory / (certificate_id(1) + ".pem"), kOpenstackCertificate);
  const SignatureVerifier verifier({.verify = true,
                                    .validate_certificates = false,
                                    .trusted_certificate_ids = {},
                                    .certificate_directory = directory.path()});
  const auto by_openssl = verifier.begin(signed_image(kSignatureByOpenssl, "SHA-256", "RSA-PSS"));
  CHECK_NOTHROW(verify(*by_openssl, kOpenstackImage));
  const auto by_cryptography = verifier.begin(signed_image(kSignatureByCryptography, "SHA-512", "RSA-PSS"));
  CHECK_NOTHROW(verify(*by_cryptography, kOpenstackImage));
  const auto swapped = verifier.begin(signed_image(kSignatureByCryptography, "SHA-256", "RSA-PSS"));
  CHECK(refusal_of_bytes(*swapped, kOpenstackImage).code() == ErrorCode::checksum_mismatch);
}

TEST_CASE("blocks of one byte and of one MiB verify the same") {
  const SignersNode node("ECC_secp384r1");
  std::string large(3 << 20, 'x');
  large += "and an odd end";
  const auto image = signed_image(sign(node.key.get(), "SHA-512", large), "SHA-512", "ECC_SECP384R1");
  CHECK_NOTHROW(verify(*node.begin(image), large, 1));
  CHECK_NOTHROW(verify(*node.begin(image), large, 1 << 20));
}

TEST_CASE("a transfer that begins again is verified from its new first byte") {
  const SignersNode node("ECC_secp384r1");
  const auto verification =
      node.begin(signed_image(sign(node.key.get(), "SHA-256", kImage), "SHA-256", "ECC_SECP384R1"));
  CHECK(refusal_of_bytes(*verification, "half of another image").code() == ErrorCode::checksum_mismatch);
  verification->restart();
  verification->update(std::as_bytes(std::span(kImage).subspan(0, 7)));
  verification->restart();
  CHECK_NOTHROW(verify(*verification, kImage));
}

TEST_CASE("an empty image, and a signature that is none, don't verify") {
  const SignersNode node("ECC_secp384r1");
  const auto image = signed_image(sign(node.key.get(), "SHA-256", kImage), "SHA-256", "ECC_SECP384R1");
  CHECK(refusal_of_bytes(*node.begin(image), "").code() == ErrorCode::checksum_mismatch);
  const auto nonsense = signed_image("bm9uc2Vuc2U=", "SHA-256", "ECC_SECP384R1");
  CHECK(refusal_of_bytes(*node.begin(nonsense), kImage).code() == ErrorCode::checksum_mismatch);
}

TEST_CASE("the signature of another key doesn't verify") {
  const SignersNode node("ECC_secp384r1");
  const Key other = make_key("ECC_secp384r1");
  const auto image = signed_image(sign(other.get(), "SHA-256", kImage), "SHA-256", "ECC_SECP384R1");
  CHECK(refusal_of_bytes(*node.begin(image), kImage).code() == ErrorCode::checksum_mismatch);
}
