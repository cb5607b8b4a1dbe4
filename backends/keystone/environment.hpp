#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/base/path.hpp"
#include "backends/keystone/cloud_access.hpp"

namespace basecache::keystone {

// The value of an environment variable, as getenv(3).
using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;
// The content of a file; nothing when it doesn't exist.
using ReadFile = std::function<std::optional<std::string>(const Path& path)>;

// The cloud that OS_CLOUD names, from the first clouds.yaml of $OS_CLIENT_CONFIG_FILE, the working directory, the
// user's and /etc/openstack, and the first secure.yaml of $OS_CLIENT_SECURE_FILE and the same places. Without OS_CLOUD
// what OS_* variables say: OS_AUTH_URL and so on for each of AuthOptions, OS_CACERT, OS_CERT, OS_KEY, OS_REGION_NAME,
// OS_INTERFACE, OS_IDENTITY_API_VERSION, OS_IMAGE_ENDPOINT_OVERRIDE. Nothing without OS_CLOUD, OS_AUTH_URL and
// OS_AUTH_TYPE. An empty variable is as good as none.
// Error(invalid_request); what `read` throws passes through.
std::optional<CloudAccess> access_from_environment(const ReadVariable& variable, const ReadFile& read);

}  // namespace basecache::keystone
