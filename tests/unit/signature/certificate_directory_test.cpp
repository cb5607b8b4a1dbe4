#include "backends/signature/certificate_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>

#include "tests/unit/signature/openstack_vectors.hpp"
#include "tests/unit/signature/signing.hpp"

using namespace basecache;
using namespace basecache::test;
using signature::CertificateDirectory;

namespace {

Error refusal_to_load(const ScratchDir& directory, const std::string& id) {
  return refusal_of([&] { CertificateDirectory(directory.path()).load(id); });
}

}  // namespace

TEST_CASE("a certificate is found by its UUID, in PEM or DER") {
  for (const char* ending : {".pem", ".crt", ".der"}) {
    CAPTURE(ending);
    const ScratchDir directory;
    write_file(directory / (certificate_id(1) + ending), kOpenstackCertificate);
    write_file(directory / (certificate_id(2) + ending), der_of(kOpenstackCertificate));
    const CertificateDirectory certificates(directory.path());
    CHECK(certificates.load(certificate_id(1)).subject() == "'CN=image signer'");
    CHECK(certificates.load(certificate_id(2)).issuer() == "'CN=image signer'");
    CHECK(certificates.load("5F4B2C1E-97C3-4A55-8D5C-6A1F0E3D2001").id() == certificate_id(1));
  }
}

TEST_CASE("the first certificate of a PEM file with others, and words before it, is the one") {
  const ScratchDir directory;
  const Key key = make_key("ECC_secp384r1");
  write_file(directory / (certificate_id(1) + ".pem"),
             "0 Certificate:\n" + make_certificate(key.get(), {.name = "first"}) + kOpenstackCertificate);
  CHECK(CertificateDirectory(directory.path()).load(certificate_id(1)).subject() == "'CN=first'");
}

TEST_CASE("an absent certificate is refused with where to put it") {
  const ScratchDir directory;
  const Error error = refusal_to_load(directory, certificate_id(1));
  CHECK(error.code() == ErrorCode::image_unacceptable);
  CHECK(says(error, directory.path().native()));
  CHECK(error.hint().find(certificate_id(1) + ".pem") != std::string::npos);
}

TEST_CASE("an id that is not a UUID reaches no file") {
  const ScratchDir directory;
  write_file(directory / "signer.pem", kOpenstackCertificate);
  for (const char* id : {"signer", "../signer", "", "/etc/ssl/cert"}) {
    CHECK(says(refusal_to_load(directory, id), "is not a UUID"));
  }
}

TEST_CASE("what is not a certificate is refused") {
  const std::string der = der_of(kOpenstackCertificate);
  const std::string broken_pem = "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n";
  for (const auto& content : {std::string(), std::string("words"), der.substr(0, 100), der + "more", broken_pem}) {
    const ScratchDir directory;
    write_file(directory / (certificate_id(1) + ".pem"), content);
    const Error error = refusal_to_load(directory, certificate_id(1));
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(says(error, "cannot read certificate " + certificate_id(1)));
  }
}

TEST_CASE("a symbolic link, a FIFO, a directory and a large file are not read") {
  const ScratchDir directory;
  const Path path = directory / (certificate_id(1) + ".pem");
  write_file(directory / "signer", kOpenstackCertificate);
  boost::filesystem::create_symlink(directory / "signer", path);
  const Error link_error = refusal_to_load(directory, certificate_id(1));
  CHECK(link_error.code() == ErrorCode::storage_unusable);
  CHECK(says(link_error, "symbolic link"));
  boost::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(says(refusal_to_load(directory, certificate_id(1)), "not a regular file"));
  boost::filesystem::remove(path);
  boost::filesystem::create_directory(path);
  CHECK(says(refusal_to_load(directory, certificate_id(1)), "not a regular file"));
  boost::filesystem::remove(path);
  write_file(path, kOpenstackCertificate + std::string(65536, '\n'));
  CHECK(says(refusal_to_load(directory, certificate_id(1)), "larger than 64 KiB"));
}
