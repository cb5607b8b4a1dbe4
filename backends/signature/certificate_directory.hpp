#pragma once

#include <string>
#include <utility>

#include "agent/base/path.hpp"
#include "backends/signature/certificate.hpp"

namespace basecache::signature {

// Where this node keeps the certificates of those who sign images, in place of a key manager: `<uuid>.pem`,
// `<uuid>.crt` or `<uuid>.der`, the first of these that exists, each a regular file of at most 64 KiB. Read anew each
// time, so that a certificate laid there counts at once.
class CertificateDirectory {
 public:
  explicit CertificateDirectory(Path directory) : directory_(std::move(directory)) {}

  // `id`: UUID in any case. Error(image_unacceptable) when that isn't one, there is no such file, or what is there
  // isn't a certificate; storage_unusable when it can't be read or is a symbolic link.
  Certificate load(const std::string& id) const;

 private:
  Path directory_;
};

}  // namespace basecache::signature
