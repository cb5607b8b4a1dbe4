#include "agent/composition_settings.hpp"

#include <sys/utsname.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/unnamed_file.hpp"

namespace basecache {
namespace {

std::optional<keystone::AuthOptions> auth_options(const Config& config) {
  keystone::AuthOptions options;
  options.origin = "[keystone_authtoken]";
  for (const auto& [name, value] : config.identity) keystone::set_auth_option(options, name, value.reveal());
  return options.auth_url.empty() ? std::nullopt : std::optional(std::move(options));
}

Error contradiction(std::string_view what, std::string_view hint) {
  Error error(ErrorCode::invalid_request, std::string(what));
  error.set_hint(std::string(hint));
  return error;
}

void require_volume_options(const Config& config) {
  const LvmConfig& lvm = config.lvm;
  if (lvm.images_volume_group.empty() && config.images_type == model::ImagesType::lvm) {
    throw contradiction("[libvirt] images_type is lvm, and no volume group is named",
                        "set [libvirt] images_volume_group; 'vgs' lists the volume groups of this host");
  }
  if (lvm.images_volume_group.empty() && !lvm.thin_pool.empty()) {
    throw contradiction("[basecache] lvm_thin_pool is set, and no volume group that it is in",
                        "set [libvirt] images_volume_group");
  }
  if (!lvm.thin_pool.empty() && lvm.sparse_logical_volumes) {
    throw contradiction("[basecache] lvm_thin_pool is set, and [libvirt] sparse_logical_volumes too",
                        "a volume is one or the other: sparse_logical_volumes = false takes the thin pool");
  }
}

lvm::Allocation allocation(const LvmConfig& config) {
  if (!config.thin_pool.empty()) return lvm::Allocation::thin;
  return config.sparse_logical_volumes ? lvm::Allocation::sparse : lvm::Allocation::linear;
}

lvm::ClearMethod clear_method(VolumeClear clear) {
  switch (clear) {
    case VolumeClear::none:
      return lvm::ClearMethod::none;
    case VolumeClear::zero:
      return lvm::ClearMethod::zero;
    case VolumeClear::shred:
      return lvm::ClearMethod::shred;
  }
  throw Error(ErrorCode::internal, "no way to clear volumes");
}

// "x86_64", also libvirt's word.
std::string machine() {
  utsname names{};
  return ::uname(&names) == 0 ? names.machine : "";
}

// Where Nova's config drives are on IDE, else on SCSI (nova/virt/libvirt/blockinfo.py, get_disk_bus_for_device_type).
bool has_ide() { return machine() == "x86_64" || machine() == "i686"; }

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

lvm::LvmSettings lvm_settings(const Config& config) {
  const LvmConfig& ours = config.lvm;
  require_volume_options(config);
  lvm::LvmSettings settings;
  if (!ours.images_volume_group.empty()) {
    settings.group = {.name = ours.images_volume_group, .allocation = allocation(ours), .thin_pool = ours.thin_pool};
  }
  settings.is_required = config.images_type == model::ImagesType::lvm;
  settings.clear = {.method = clear_method(ours.volume_clear), .size = mebibytes(ours.volume_clear_size)};
  settings.crypt = {.key_directory = ours.key_directory,
                    .encryption = {.cipher = ours.cipher, .key_bits = ours.key_size}};
  return settings;
}

disk::Preallocation preallocation(const Config& config) {
  return config.preallocate_images == PreallocateImages::space ? disk::Preallocation::space : disk::Preallocation::none;
}

bool asks_libvirt(const Config& config) {
  if (config.domains == DomainsChoice::automatic) return libvirt::is_installed();
  return config.domains == DomainsChoice::libvirt;
}

libvirt::LibvirtSettings libvirt_settings(const Config& config) {
  libvirt::LibvirtSettings settings;
  settings.uri = config.connection_uri.empty() ? libvirt::default_uri(config.virt_type) : config.connection_uri;
  return settings;
}

std::string host_name(const Config& config) {
  if (!config.host.empty()) return config.host;
  utsname names{};
  return ::uname(&names) == 0 && names.nodename[0] != '\0' ? names.nodename : "localhost";
}

prune::PruneRules prune_rules(const Config& config) {
  return {.remove_unused_base_images = config.remove_unused_base_images,
          .original_minimum_age = config.remove_unused_original_minimum_age,
          .resized_minimum_age = config.remove_unused_resized_minimum_age};
}

cache::StorageLimits storage_limits(const Config& config) {
  return {.max_bytes = config.cache_max_bytes, .min_free = config.min_free_bytes};
}

model::PlanDefaults plan_defaults(const Config& config) {
  return {.images_type = config.images_type,
          .default_ephemeral_format = config.default_ephemeral_format,
          .force_config_drive = config.force_config_drive,
          .config_drive_format = config.config_drive_format,
          .mkfs_commands = config.virt_mkfs,
          .virt_type = config.virt_type,
          .cdrom_prefix = has_ide() ? "hd" : "sd",
          .has_raw_bases = config.force_raw_images,
          .encrypts_volumes = config.lvm.encrypts};
}

injection::InjectionSettings injection_settings(const Config& config) {
  return {.partition = config.inject_partition,
          .key = config.inject_key,
          .password = config.inject_password,
          .is_container = config.virt_type == model::VirtType::lxc};
}

provision::InstanceFileSettings instance_file_settings(const Config& config) {
  constexpr std::string_view kOwner = "[basecache] disk_owner";
  provision::InstanceFileSettings settings;
  settings.owner = provision::owner_named(config.disk_owner, kOwner);
  provision::require_right_to_give(settings.owner, config.instances_path, kOwner);
  if (config.virt_type == model::VirtType::uml) {
    provision::require_right_to_give({.user = 0, .group = settings.owner.group}, config.instances_path,
                                     "[libvirt] virt_type = uml");
  }
  settings.mode = config.disk_mode;
  settings.hypervisor = {.virt_type = config.virt_type,
                         .arch = machine(),
                         .direct_io = takes_direct_io(unnamed_file(config.instances_path).get())};
  return settings;
}

}  // namespace basecache
