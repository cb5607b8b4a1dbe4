#include "tools/basecache/image_service_settings.hpp"

#include <cstdlib>
#include <optional>
#include <string>

#include "agent/base/posix_file.hpp"
#include "agent/composition_settings.hpp"
#include "backends/keystone/environment.hpp"

namespace basecache::cli {
namespace {

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

glance::ImageServiceSettings image_service_settings_here(const Config& config) {
  glance::ImageServiceSettings settings = image_service_settings(config);
  const auto cloud =
      keystone::access_from_environment(variable, [](const Path& path) { return read_small_file(path); });
  if (!cloud) return settings;
  settings.auth = cloud->auth;
  settings.servers.clear();
  if (!cloud->image_endpoint_override.empty()) settings.servers.push_back(cloud->image_endpoint_override);
  settings.endpoint.interfaces = cloud->interfaces;
  settings.endpoint.region = cloud->region;
  // The configured service may be another cloud's: its registry gets no token of this one, its authority no trust.
  settings.client.trusted_servers.clear();
  settings.client.tls = {
      .authorities = cloud->auth.cafile, .certificate = cloud->auth.certfile, .key = cloud->auth.keyfile};
  return settings;
}

}  // namespace basecache::cli
