#include "agent/composition.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "agent/base/error.hpp"
#include "agent/cache/base_file_builder.hpp"
#include "agent/cache/content_check.hpp"
#include "agent/cache/domain_leases.hpp"
#include "agent/cache/quarantine.hpp"
#include "agent/cache/recovery.hpp"
#include "agent/cache/reservations.hpp"
#include "agent/cache/review.hpp"
#include "agent/composition_settings.hpp"
#include "agent/layout/state_files.hpp"
#include "agent/provision/left_volumes.hpp"
#include "agent/prune/eviction.hpp"
#include "agent/prune/node_markers.hpp"
#include "agent/prune/use_graph.hpp"
#include "backends/decode/child_decoder.hpp"
#include "backends/decode/decode_program.hpp"
#include "backends/disk/lvm_disk.hpp"
#include "backends/disk/qcow2_disk.hpp"
#include "backends/disk/raw_disk.hpp"
#include "backends/drive/iso9660_writer.hpp"
#include "backends/drive/vfat_writer.hpp"
#include "backends/glance/glance_registry.hpp"
#include "backends/glance/glance_v1.hpp"
#include "backends/guest/disk_injector.hpp"
#include "backends/guest/inject_program.hpp"
#include "backends/http/http_client.hpp"
#include "backends/http/http_library.hpp"
#include "backends/inspect/format_inspector.hpp"
#include "backends/libvirt/libvirt_domains.hpp"
#include "backends/libvirt/list_program.hpp"
#include "backends/mkfs/mkfs_formatter.hpp"
#include "backends/qemu/disk_chain.hpp"
#include "backends/qemu/qemu_converter.hpp"
#include "backends/registry/directory_registry.hpp"
#include "backends/registry/location_source.hpp"
#include "backends/registry/source_by_ref.hpp"
#include "backends/registry/source_standing.hpp"
#include "backends/registry/swift_store.hpp"
#include "backends/registry/url_source.hpp"
#include "backends/signature/signature_verifier.hpp"

namespace basecache {
namespace {

bool uses_glance(const Config& config, const glance::ImageServiceSettings& service) {
  if (config.registry == RegistryChoice::automatic) return service.is_configured();
  if (config.registry == RegistryChoice::glance && !service.is_configured()) {
    throw Error(ErrorCode::invalid_request, "[basecache] registry is glance, and no image service is configured")
        .set_hint("set [glance] api_servers, or [keystone_authtoken] auth_url and who we are there");
  }
  return config.registry == RegistryChoice::glance;
}

std::vector<Path> prepared(const layout::CacheLayout& layout) {
  layout::prepare_directories(layout);
  return cache::recover(layout);
}

void require_sandbox(const Config& config, const sandbox::Sandbox& sandbox) {
  if (config.sandbox != SandboxNeed::required || sandbox.missing().empty()) return;
  throw Error(ErrorCode::invalid_request, fmt::format("[basecache] sandbox is required, and this host lacks {}",
                                                      fmt::join(sandbox.missing(), ", ")))
      .set_hint(
          "boot a kernel that has it (Landlock: 5.13, and \"landlock\" in its lsm= list), start the daemon as the "
          "shipped "
          "unit does, or set sandbox = available");
}

// Where images come from: the registry that is chosen, Glances named by href, and URLs.
struct Sources {
  Sources(const Config& config, glance::ImageServiceSettings service)
      : with_glance(uses_glance(config, service)),
        tls(service.client.tls),
        v1_registries(service.client.trusted_servers),
        http_client(http_library, http_settings(config)),
        image_service(http_client, std::move(service)),
        glance(image_service.client()),
        glance_v1(image_service.client(), v1_registries),
        files(config.file_url_directories),
        swift(http_client, image_service.identity(), tls),
        located(glance, http_client, files, swift, location_rules(config, tls)),
        located_v1(glance_v1, http_client, files, swift, location_rules(config, tls)),
        directory(config.registry_directory),
        urls(http_client, files),
        by_ref(registry(config), located, urls) {}

  fetch::ImageSource& registry(const Config& config) {
    if (!with_glance) return directory;
    if (config.glance.api_version == 1) return located_v1;
    return located;
  }

  const bool with_glance;
  const http::TlsFiles tls;
  const std::vector<std::string> v1_registries;
  http::HttpLibrary http_library;
  http::HttpClient http_client;
  glance::ImageService image_service;
  glance::GlanceRegistry glance;
  glance::GlanceV1 glance_v1;
  registry::FileUrls files;
  registry::SwiftStore swift;
  registry::LocationSource located;
  registry::LocationSource located_v1;
  registry::DirectoryRegistry directory;
  registry::UrlSource urls;
  registry::SourceByRef by_ref;
};

}  // namespace

// In the order in which they need each other; destroyed the other way round.
struct Node::Parts {
  Parts(const Config& config, glance::ImageServiceSettings service)
      : layout(config.instances_path, config.subdirectory_name),
        recovered(prepared(layout)),
        sources(config, std::move(service)),
        verifier(signature_settings(config)),
        inspector(config.max_virtual_size),
        decoder(sandbox, config.max_virtual_size, config.decode_threads),
        raw_disk(qemu_img, preallocation(config), config.copy_concurrency),
        qcow2_disk(qemu_img, preallocation(config)),
        volumes(lvm_settings(config)),
        libvirt_domains(libvirt_settings(config)),
        nodes(layout, host_name(config)),
        uses(layout, chains,
             {.domains = asks_libvirt(config) ? &libvirt_domains : nullptr, .leases = &domain_leases, .nodes = &nodes}),
        eviction(layout, pins, uses, prune_rules(config)),
        reservations(layout, storage_limits(config), eviction),
        builder(layout, {sources.by_ref, inspector, verifier, decoder, converter, formatter},
                {.force_raw_images = config.force_raw_images,
                 .allow_md5 = config.allow_md5,
                 .reservations = &reservations}),
        images(layout, builder, review, config.build_concurrency),
        provisioner(images, backends, plan_defaults(config), config.disk_sync == DiskSync::data,
                    provision::InstanceFiles(instance_file_settings(config)),
                    {.dhcp_domain = config.dhcp_domain, .injects = injection_settings(config)}),
        instances(layout, backends),
        pruner(images, pins, uses, prune_rules(config), storage_limits(config), standing_of(config)) {
    require_sandbox(config, sandbox);
  }

  prune::ImageStanding* standing_of(const Config& config) {
    return config.deleted_images == DeletedImages::prune_when_unused ? &standing : nullptr;
  }

  layout::CacheLayout layout;
  std::vector<Path> recovered;

  Sources sources;
  signature::SignatureVerifier verifier;
  inspect::FormatInspector inspector;
  sandbox::Sandbox sandbox;
  decode::ChildDecoder decoder;
  qemu::ConfinedQemuImg qemu_img{sandbox};
  qemu::QemuConverter converter{qemu_img};
  qemu::DiskChain chains;
  mkfs::MkfsFormatter formatter;
  disk::RawDisk raw_disk;
  disk::Qcow2Disk qcow2_disk;
  lvm::LvmVolumes volumes;
  disk::LvmDisk lvm_disk{volumes, qemu_img, layout};
  guest::DiskInjector injector{sandbox};
  drive::Iso9660Writer iso9660_drive;
  drive::VfatWriter vfat_drive;
  provision::Backends backends{raw_disk, qcow2_disk, lvm_disk, volumes, iso9660_drive, vfat_drive, injector};

  libvirt::LibvirtDomains libvirt_domains;
  cache::DomainLeases domain_leases{layout};
  prune::NodeMarkers nodes;
  prune::UseGraph uses;
  cache::Quarantine quarantine{layout, uses};
  cache::ContentCheck content_check{layout, quarantine};
  cache::Pins pins{layout};
  prune::Eviction eviction;
  cache::Reservations reservations;
  cache::BaseFileBuilder builder;
  cache::Review review{layout, inspector, converter, builder, quarantine};
  cache::ImageCache images;
  provision::Provisioner provisioner;
  provision::Instances instances;
  provision::DomainDisks domains{provisioner, domain_leases};
  registry::SourceStanding standing{sources.by_ref};
  prune::Pruner pruner;
};

std::optional<int> run_as_child(int argc, const char* const* argv) {
  if (const auto status = guest::run_if_injector(argc, argv)) return status;
  if (const auto status = libvirt::run_if_domain_lister(argc, argv)) return status;
  return decode::run_if_decoder(argc, argv);
}

Node::Node(const Config& config) : Node(config, image_service_settings(config)) {}

Node::Node(const Config& config, glance::ImageServiceSettings service)
    : parts_(std::make_unique<Parts>(config, std::move(service))) {}

Node::~Node() = default;

api::UseCases Node::use_cases() {
  return {parts_->images, parts_->pins,          parts_->provisioner, parts_->instances, parts_->domains,
          parts_->pruner, parts_->content_check, parts_->quarantine,  parts_->uses,      parts_->sandbox.missing()};
}

// Who has no hypervisor to ask tells at once, and needn't again.
bool Node::show_life() {
  const bool is_alone = parts_->nodes.hold();
  if (!parts_->uses.asks_domains())
    parts_->uses.tell_nodes(OpContext("show-life", {}, OpContext::Clock::time_point::max()));
  return is_alone;
}

const std::vector<Path>& Node::recovered() const { return parts_->recovered; }

std::vector<Path> Node::remove_left_volumes(const OpContext& op) {
  return provision::remove_left_volumes(parts_->volumes, parts_->layout, op);
}

}  // namespace basecache
