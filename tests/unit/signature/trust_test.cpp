#include "backends/signature/trust.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/signature/signing.hpp"

using namespace basecache;
using namespace basecache::test;
using signature::CertificateDirectory;
using std::chrono::hours;

namespace {

constexpr int kSigner = 1;
constexpr int kRoot = 2;
constexpr int kMiddle = 3;

// A directory of certificates whose keys are all of one curve.
class Authority {
 public:
  void add(int number, CertificateWish wish, int issuer = 0) {
    keys_.at(static_cast<std::size_t>(number)) = make_key("ECC_secp384r1");
    if (issuer != 0) wish.issuer_key = key(issuer);
    write_file(directory_ / (certificate_id(number) + ".pem"), make_certificate(key(number), wish));
  }
  void add_root() { add(kRoot, {.name = "root", .constraints = kCa, .key_usage = "keyCertSign"}); }
  void add_signer_of(const std::string& issuer, int number) {
    add(kSigner, {.name = "signer", .issuer = issuer}, number);
  }

  // "" when the signer is trusted, else why not.
  std::string refusal(const std::vector<int>& trusted) const {
    const CertificateDirectory directory(directory_.path());
    std::vector<std::string> ids;
    for (const int number : trusted) ids.push_back(certificate_id(number));
    try {
      require_trusted(directory.load(certificate_id(kSigner)), ids, directory);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::image_unacceptable);
      CHECK_FALSE(error.hint().empty());
      return error.message();
    }
    return "";
  }

 private:
  EVP_PKEY* key(int number) const { return keys_.at(static_cast<std::size_t>(number)).get(); }

  ScratchDir directory_;
  std::array<Key, 4> keys_;
};

bool contains(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("a certificate signed by a trusted root is trusted") {
  Authority authority;
  authority.add_root();
  authority.add_signer_of("root", kRoot);
  CHECK(authority.refusal({kRoot}).empty());
}

TEST_CASE("a chain is trusted when all that stand above the signer are") {
  Authority authority;
  authority.add_root();
  authority.add(kMiddle, {.name = "middle", .issuer = "root", .constraints = kCa, .key_usage = "keyCertSign"}, kRoot);
  authority.add_signer_of("middle", kMiddle);
  CHECK(authority.refusal({kMiddle, kRoot}).empty());
  CHECK(contains(authority.refusal({kRoot}), "is not trusted"));
  CHECK(contains(authority.refusal({kMiddle}), "is not trusted"));
}

TEST_CASE("an issuer that isn't trusted is named in the refusal") {
  Authority authority;
  authority.add_root();
  authority.add(kMiddle, {.name = "stranger", .constraints = kCa, .key_usage = "keyCertSign"});
  authority.add_signer_of("stranger", kMiddle);
  const std::string refusal = authority.refusal({kRoot});
  CHECK(contains(refusal, certificate_id(kSigner) + " ('CN=signer', issued by 'CN=stranger') is not trusted"));
}

TEST_CASE("a stranger with the name of a trusted root is not that root") {
  Authority authority;
  authority.add_root();
  authority.add(kMiddle, {.name = "root", .constraints = kCa, .key_usage = "keyCertSign"});
  authority.add_signer_of("root", kMiddle);
  CHECK_FALSE(authority.refusal({kRoot}).empty());
}

TEST_CASE("a self-signed certificate is trusted only when it is a trusted one that may sign certificates") {
  Authority authority;
  authority.add(kSigner, {.name = "signer", .constraints = kCa, .key_usage = "keyCertSign"});
  authority.add_root();
  CHECK(authority.refusal({kSigner}).empty());
  CHECK(contains(authority.refusal({kRoot}), "self-signed"));

  Authority plain;
  plain.add(kSigner, {.name = "signer"});
  CHECK(contains(plain.refusal({kSigner}), "not marked as one that signs certificates"));
}

TEST_CASE("being trusted doesn't make an issuer of a certificate that is not marked as one") {
  for (const auto& wish : {CertificateWish{.name = "root"}, CertificateWish{.name = "root", .constraints = kCa},
                           CertificateWish{.name = "root", .key_usage = "keyCertSign"},
                           CertificateWish{.name = "root", .constraints = "CA:FALSE", .key_usage = "keyCertSign"},
                           CertificateWish{.name = "root", .constraints = kCa, .key_usage = "digitalSignature"}}) {
    CAPTURE(wish.constraints);
    CAPTURE(wish.key_usage);
    Authority authority;
    authority.add(kRoot, wish);
    authority.add_signer_of("root", kRoot);
    CHECK(contains(authority.refusal({kRoot}), certificate_id(kRoot) + " ('CN=root') is not marked"));
  }
}

TEST_CASE("an expired root trusts nobody") {
  Authority authority;
  authority.add(kRoot,
                {.name = "root", .from = hours(-48), .to = hours(-24), .constraints = kCa, .key_usage = "keyCertSign"});
  authority.add_signer_of("root", kRoot);
  CHECK(contains(authority.refusal({kRoot}), "expired (at 'CN=root')"));
}

TEST_CASE("a path length is kept") {
  Authority authority;
  authority.add(kRoot, {.name = "root", .constraints = "critical,CA:TRUE,pathlen:0", .key_usage = "keyCertSign"});
  authority.add(kMiddle, {.name = "middle", .issuer = "root", .constraints = kCa, .key_usage = "keyCertSign"}, kRoot);
  authority.add_signer_of("middle", kMiddle);
  CHECK(contains(authority.refusal({kMiddle, kRoot}), "path length"));
  authority.add_signer_of("root", kRoot);
  CHECK(authority.refusal({kRoot}).empty());
}

TEST_CASE("a certificate signed with SHA-1 is not trusted") {
  Authority authority;
  authority.add_root();
  authority.add(kSigner, {.name = "signer", .issuer = "root", .digest = "SHA1"}, kRoot);
  CHECK(contains(authority.refusal({kRoot}), "too weak"));
}

TEST_CASE("trusted certificates that can't be used are passed over, and named when nothing else helps") {
  Authority authority;
  authority.add_root();
  authority.add_signer_of("root", kRoot);
  CHECK(authority.refusal({kMiddle, kRoot}).empty());
  CHECK(contains(authority.refusal({kMiddle}), "certificate " + certificate_id(kMiddle) + " is not in"));
}
