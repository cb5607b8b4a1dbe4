#pragma once

#include "agent/cache/storage_limits.hpp"
#include "agent/config.hpp"
#include "agent/injection/wanted_injection.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/provision/instance_files.hpp"
#include "agent/prune/prune_policy.hpp"
#include "backends/disk/preallocation.hpp"
#include "backends/glance/image_service.hpp"
#include "backends/http/http_settings.hpp"
#include "backends/libvirt/libvirt_domains.hpp"
#include "backends/lvm/lvm_volumes.hpp"
#include "backends/registry/location_source.hpp"
#include "backends/signature/signature_verifier.hpp"

namespace basecache {

// The configuration in the words of those who follow it. Pure.

http::HttpSettings http_settings(const Config& config);
glance::ImageServiceSettings image_service_settings(const Config& config);
// `tls` is the image service's.
registry::LocationRules location_rules(const Config& config, const http::TlsFiles& tls);
signature::SignatureSettings signature_settings(const Config& config);
// Error(invalid_request) when its options contradict each other.
lvm::LvmSettings lvm_settings(const Config& config);
disk::Preallocation preallocation(const Config& config);
// Whether libvirt is asked for its domains: where it is installed, when that is left open.
bool asks_libvirt(const Config& config);
libvirt::LibvirtSettings libvirt_settings(const Config& config);
// What the other nodes know this one by.
std::string host_name(const Config& config);
prune::PruneRules prune_rules(const Config& config);
cache::StorageLimits storage_limits(const Config& config);
model::PlanDefaults plan_defaults(const Config& config);
injection::InjectionSettings injection_settings(const Config& config);
// Looks the owner up and tries whether files in instances_path can be given away. Error(invalid_request).
provision::InstanceFileSettings instance_file_settings(const Config& config);

}  // namespace basecache
