#include "backends/signature/signature_verifier.hpp"

#include <doctest/doctest.h>

#include "tests/unit/signature/signing.hpp"

using namespace basecache;
using namespace basecache::test;
using signature::SignatureSettings;
using signature::SignatureVerifier;
using std::chrono::hours;

namespace {

SignatureSettings settings_for(const ScratchDir& directory) {
  return {.verify = true,
          .validate_certificates = false,
          .trusted_certificate_ids = {},
          .certificate_directory = directory.path()};
}

// What a node answers that has one certificate, of this wish, for this kind of key.
Error answer_for(const CertificateWish& wish, const std::string& made = "ECC_secp384r1",
                 const std::string& named = "ECC_SECP384R1") {
  const ScratchDir directory;
  const Key key = make_key(made);
  write_file(directory / (certificate_id(1) + ".pem"), make_certificate(key.get(), wish));
  return refusal_of(
      [&] { SignatureVerifier(settings_for(directory)).begin(signed_image("c2lnbmF0dXJl", "SHA-256", named)); });
}

model::ImageRecord unsigned_image() {
  model::ImageRecord image = signed_image("", "", "");
  image.properties.clear();
  return image;
}

}  // namespace

TEST_CASE("a node that doesn't verify looks at no signature") {
  const SignatureVerifier verifier({});
  CHECK(verifier.begin(unsigned_image()) == nullptr);
  CHECK(verifier.begin(signed_image("nonsense", "MD5", "?")) == nullptr);
}

TEST_CASE("a node that verifies refuses an image without a signature, or with half of one") {
  const ScratchDir directory;
  const SignatureVerifier verifier(settings_for(directory));
  const Error unsigned_error = refusal_of([&] { verifier.begin(unsigned_image()); });
  CHECK(unsigned_error.code() == ErrorCode::image_unacceptable);
  CHECK(says(unsigned_error, "not signed"));
  CHECK(says(unsigned_error, unsigned_image().ref.text()));

  model::ImageRecord half = signed_image("c2lnbmF0dXJl", "SHA-256", "DSA");
  half.properties.erase("img_signature_key_type");
  const Error half_error = refusal_of([&] { verifier.begin(half); });
  CHECK(half_error.code() == ErrorCode::image_unacceptable);
  CHECK(says(half_error, "img_signature_key_type"));
}

TEST_CASE("validation against given certificates verifies even where verification isn't asked for") {
  const ScratchDir directory;
  SignatureSettings settings = settings_for(directory);
  settings.verify = false;
  settings.validate_certificates = true;
  CHECK(SignatureVerifier(settings).begin(unsigned_image()) == nullptr);
  settings.trusted_certificate_ids = {certificate_id(1)};
  CHECK(says(refusal_of([&] { SignatureVerifier(settings).begin(unsigned_image()); }), "not signed"));
}

TEST_CASE("verification without a directory of certificates is a mistake of the configuration") {
  SignatureSettings settings;
  settings.verify = true;
  const Error error = refusal_of([&] { SignatureVerifier{settings}; });
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(says(error, "certificate_directory"));
}

TEST_CASE("a certificate is good within its dates only") {
  CHECK(answer_for({.name = "signer", .from = hours(-1), .to = hours(1)}).message() == "nothing was refused");
  const Error expired = answer_for({.name = "signer", .from = hours(-48), .to = hours(-24)});
  CHECK(expired.code() == ErrorCode::image_unacceptable);
  CHECK(says(expired, certificate_id(1) + " ('CN=signer') has expired: it is valid from 20"));
  const Error early = answer_for({.name = "signer", .from = hours(24), .to = hours(48)});
  CHECK(early.code() == ErrorCode::image_unacceptable);
  CHECK(says(early, "is not valid yet"));
}

TEST_CASE("a key of another type or curve is refused with both") {
  const Error curve = answer_for({.name = "signer"}, "ECC_secp521r1", "ECC_SECP384R1");
  CHECK(curve.code() == ErrorCode::image_unacceptable);
  CHECK(says(curve, "img_signature_key_type is ECC_SECP384R1, but the key of certificate " + certificate_id(1)));
  CHECK(says(curve, "is ECC_SECP521R1"));
  CHECK(says(answer_for({.name = "signer"}, "ECC_secp384r1", "RSA-PSS"), "is ECC_SECP384R1"));
  CHECK(says(answer_for({.name = "signer"}, "RSA-PSS", "DSA"), "is RSA-PSS"));
}

TEST_CASE("validation passes a chain of trusted certificates and refuses a signer nobody trusts") {
  const ScratchDir directory;
  const Key root = make_key("ECC_secp384r1");
  const Key signer = make_key("ECC_secp384r1");
  write_file(directory / (certificate_id(1) + ".pem"),
             make_certificate(signer.get(), {.name = "signer", .issuer = "root", .issuer_key = root.get()}));
  write_file(directory / (certificate_id(2) + ".pem"),
             make_certificate(root.get(), {.name = "root", .constraints = kCa, .key_usage = "keyCertSign"}));
  SignatureSettings settings = settings_for(directory);
  settings.validate_certificates = true;
  const auto image = signed_image(sign(signer.get(), "SHA-256", "bytes"), "SHA-256", "ECC_SECP384R1");

  settings.trusted_certificate_ids = {certificate_id(2)};
  CHECK_NOTHROW(verify(*SignatureVerifier(settings).begin(image), "bytes"));
  settings.trusted_certificate_ids = {};
  const Error error = refusal_of([&] { SignatureVerifier(settings).begin(image); });
  CHECK(error.code() == ErrorCode::image_unacceptable);
  CHECK(says(error, "default_trusted_certificate_ids is empty"));
}
