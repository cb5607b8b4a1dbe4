#include "agent/composition.hpp"

#include "agent/cache/base_file_builder.hpp"
#include "agent/cache/recovery.hpp"
#include "backends/disk/qcow2_disk.hpp"
#include "backends/disk/raw_disk.hpp"
#include "backends/drive/iso9660_writer.hpp"
#include "backends/http/http_client.hpp"
#include "backends/http/http_library.hpp"
#include "backends/inspect/format_inspector.hpp"
#include "backends/mkfs/mkfs_formatter.hpp"
#include "backends/qemu/disk_chain.hpp"
#include "backends/qemu/qemu_converter.hpp"
#include "backends/registry/directory_registry.hpp"
#include "backends/registry/source_by_ref.hpp"
#include "backends/registry/url_source.hpp"

namespace basecache {
namespace {

http::HttpSettings http_settings(const Config& config) {
  http::HttpSettings settings;
  settings.stall_timeout = config.stall_timeout;
  settings.max_body = config.max_image_bytes;
  settings.listed_hosts = config.url_hosts;
  settings.retry.retries = config.num_retries;
  return settings;
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
          .force_config_drive = config.force_config_drive};
}

std::vector<Path> prepared(const cache::CacheLayout& layout) {
  cache::prepare_directories(layout);
  return cache::recover(layout);
}

}  // namespace

// In the order in which they need each other; destroyed the other way round.
struct Node::Parts {
  explicit Parts(const Config& config)
      : layout(config.instances_path, config.subdirectory_name),
        recovered(prepared(layout)),
        http_client(http_library, http_settings(config)),
        urls(http_client, config.file_url_directories),
        directory(config.registry_directory),
        source(directory, urls),
        raw_disk(preallocation(config)),
        qcow2_disk(preallocation(config)),
        builder(layout, {source, inspector, converter, formatter}, config.force_raw_images),
        images(layout, builder, config.build_concurrency),
        pins(layout),
        provisioner(images, backends, plan_defaults(config)),
        instances(layout, backends),
        pruner(images, pins, chains, prune_rules(config)) {}

  cache::CacheLayout layout;
  std::vector<Path> recovered;

  http::HttpLibrary http_library;
  http::HttpClient http_client;
  registry::UrlSource urls;
  registry::DirectoryRegistry directory;
  registry::SourceByRef source;
  inspect::FormatInspector inspector;
  qemu::QemuConverter converter;
  qemu::DiskChain chains;
  mkfs::MkfsFormatter formatter;
  disk::RawDisk raw_disk;
  disk::Qcow2Disk qcow2_disk;
  drive::Iso9660Writer config_drive;
  provision::Backends backends{raw_disk, qcow2_disk, config_drive};

  cache::BaseFileBuilder builder;
  cache::ImageCache images;
  cache::Pins pins;
  provision::Provisioner provisioner;
  provision::Instances instances;
  prune::Pruner pruner;
};

Node::Node(const Config& config) : parts_(std::make_unique<Parts>(config)) {}

Node::~Node() = default;

api::UseCases Node::use_cases() {
  return {parts_->images, parts_->pins, parts_->provisioner, parts_->instances, parts_->pruner, parts_->chains};
}

const std::vector<Path>& Node::recovered() const { return parts_->recovered; }

}  // namespace basecache
