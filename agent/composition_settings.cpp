#include "agent/composition_settings.hpp"

#include <optional>
#include <utility>

namespace basecache {
namespace {

std::optional<keystone::AuthOptions> auth_options(const Config& config) {
  keystone::AuthOptions options;
  options.origin = "[keystone_authtoken]";
  for (const auto& [name, value] : config.identity) keystone::set_auth_option(options, name, value.reveal());
  return options.auth_url.empty() ? std::nullopt : std::optional(std::move(options));
}

}  // namespace

http::HttpSettings http_settings(const Config& config) {
  http::HttpSettings settings;
  settings.stall_timeout = config.stall_timeout;
  settings.max_body = config.max_image_bytes;
  settings.listed_hosts = config.url_hosts;
  settings.retry.retries = config.glance.num_retries;
  return settings;
}

glance::ImageServiceSettings image_service_settings(const Config& config) {
  glance::ImageServiceSettings settings;
  settings.auth = auth_options(config);
  settings.servers = config.glance.api_servers;
  if (settings.servers.empty() && !config.glance.endpoint_override.empty()) {
    settings.servers.push_back(config.glance.endpoint_override);
  }
  settings.endpoint = {.service_type = config.glance.service_type,
                       .service_name = config.glance.service_name,
                       .interfaces = config.glance.valid_interfaces,
                       .region = config.glance.region_name};
  settings.client.tls = {
      .authorities = config.glance.cafile, .certificate = config.glance.certfile, .key = config.glance.keyfile};
  settings.client.trusted_servers = config.glance.registry_servers;
  return settings;
}

registry::LocationRules location_rules(const Config& config, const http::TlsFiles& tls) {
  return {.allowed_schemes = config.glance.allowed_direct_url_schemes,
          .s3_region = config.s3_region,
          .tls = tls,
          .allow_md5 = config.allow_md5};
}

signature::SignatureSettings signature_settings(const Config& config) {
  return {.verify = config.glance.verify_glance_signatures,
          .validate_certificates = config.glance.enable_certificate_validation,
          .trusted_certificate_ids = config.glance.default_trusted_certificate_ids,
          .certificate_directory = config.certificate_directory};
}

disk::Preallocation preallocation(const Config& config) {
  return config.preallocate_images == PreallocateImages::space ? disk::Preallocation::space : disk::Preallocation::none;
}

prune::PruneRules prune_rules(const Config& config) {
  return {.remove_unused_base_images = config.remove_unused_base_images,
          .original_minimum_age = config.remove_unused_original_minimum_age,
          .resized_minimum_age = config.remove_unused_resized_minimum_age};
}

model::PlanDefaults plan_defaults(const Config& config) {
  return {.images_type = config.images_type,
          .default_ephemeral_format = config.default_ephemeral_format,
          .force_config_drive = config.force_config_drive,
          .mkfs_commands = config.virt_mkfs};
}

}  // namespace basecache
