#pragma once

#include "agent/config.hpp"
#include "backends/glance/image_service.hpp"

namespace basecache::cli {

// The image service that this command line talks to: what OpenStack's environment says (OS_CLOUD and its clouds.yaml,
// or OS_* variables) and nothing of another one, else the configuration. Error(invalid_request) for an environment that
// can't be read.
glance::ImageServiceSettings image_service_settings_here(const Config& config);

}  // namespace basecache::cli
