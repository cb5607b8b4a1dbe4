#pragma once

#include <optional>
#include <string>

#include "agent/base/path.hpp"
#include "backends/keystone/cloud_access.hpp"

namespace basecache::keystone {

// A file that has been read.
struct TextFile {
  Path path;  // for messages
  std::string text;
};

// The entry `cloud` of a clouds.yaml, and over it that of a secure.yaml, which keeps the secrets apart. Known keys:
// those of AuthOptions, in "auth" or beside it, with '_' or '-'; cacert, cert, key, region_name (else the name of the
// first of regions), interface, identity_api_version, image_endpoint_override. Others are ignored: they are for other
// programs. Merge keys are followed. A vendor's profile isn't read; that is an Error where there is no auth_url but it.
// Error(invalid_request) naming file and line, never what stands there.
CloudAccess access_from(const TextFile& clouds, const std::optional<TextFile>& secure, const std::string& cloud);

}  // namespace basecache::keystone
