#pragma once

#include <string>
#include <vector>

#include "backends/signature/certificate.hpp"
#include "backends/signature/certificate_directory.hpp"

namespace basecache::signature {

// Error(image_unacceptable) unless a chain of signatures leads from `certificate` to a self-signed root and every
// certificate above it, the root too, is a trusted one (cursive/certificate_utils.py asks the same): marked as one that
// may sign certificates, within its dates and its path length. A self-signed certificate is its own root, so that it
// has to be trusted, and marked so, itself. `trusted_ids`: UUIDs of certificates in `directory`; one that can't be used
// is passed over and named in the refusal. Unlike cursive: a CA without a path length may have any number below it
// (cursive breaks off there); signatures with MD5 or SHA-1 and RSA keys below 1024 bits don't count.
void require_trusted(const Certificate& certificate, const std::vector<std::string>& trusted_ids,
                     const CertificateDirectory& directory);

}  // namespace basecache::signature
