#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "backends/keystone/cloud_access.hpp"

namespace basecache::keystone {

// The value set under a name of clouds.yaml ("region_name"); nothing when it isn't set.
using ReadSetting = std::function<std::optional<std::string>(std::string_view name)>;

// Nothing known yet, not even how to authenticate.
CloudAccess blank_access();
// Takes over every setting that `read` has. Error(invalid_request) for identity_api_version 2.
void apply_settings(CloudAccess& access, const ReadSetting& read);
// Adds what OpenStack's own command line takes for granted: auth_type by what is given, the domain "default".
// Error(invalid_request) for an auth_url of another scheme than http and https, and for a token with line ends.
void complete(CloudAccess& access);

}  // namespace basecache::keystone
