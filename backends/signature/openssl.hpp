#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>
#include <string>

namespace basecache::signature {

// Owns an object of OpenSSL that is freed by `free_object`.
template <class Object, auto free_object>
struct Freed {
  void operator()(Object* object) const { free_object(object); }
};
template <class Object, auto free_object>
using Owned = std::unique_ptr<Object, Freed<Object, free_object>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedDigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedStore = Owned<X509_STORE, X509_STORE_free>;
using OwnedStoreContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using OwnedTime = Owned<ASN1_TIME, ASN1_TIME_free>;

// Why OpenSSL's last call of this thread failed, in its words; forgets all of its errors, so that none is taken for a
// later one's.
std::string last_openssl_error();

// What was written to a memory BIO.
std::string text_of(BIO* bio);
// A subject or issuer on one line, quoted: "'CN=signer,O=example'".
std::string shown_name(const X509_NAME* name);

}  // namespace basecache::signature
