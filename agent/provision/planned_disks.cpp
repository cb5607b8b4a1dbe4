#include "agent/provision/planned_disks.hpp"

#include <algorithm>
#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/provision/provisioner.hpp"

namespace basecache::provision {
namespace {

namespace fs = boost::filesystem;

constexpr const char* kExpected = "expected";

Error unknown_format(const std::string& disk) {
  return Error(ErrorCode::invalid_request,
               "what format disk " + quote(disk) + " will have can't be told before its image is here")
      .add_field("field", "image_meta.disk_format")
      .set_hint("fetch the image first (basecache cache precache), or say its format in image_meta");
}

}  // namespace

PlannedDisks::PlannedDisks(const cache::ImageCache& cache, const Backends& backends,
                           const model::PlanDefaults& defaults, const model::InstanceSpec& spec, const OpContext& op)
    : cache_(cache),
      backends_(backends),
      defaults_(defaults),
      spec_(spec),
      directory_(cache.layout().instance_directory(spec.uuid.text())),
      formats_(DiskFormats::read(directory_)),
      volumes_(volumes_of(backends.volumes, spec.uuid.text(), op)) {}

bool PlannedDisks::has_file(const std::string& disk) const {
  const Path path = directory_ / disk;
  const fs::file_type type = fs::symlink_status(path).type();
  if (type == fs::file_not_found) return false;
  if (type == fs::regular_file && !formats_.word_for(path).empty()) return true;
  throw Error(ErrorCode::already_exists, quote(path.native()) + " is there, and is no disk that disk.info knows");
}

const DiskVolume* PlannedDisks::volume(const std::string& disk) const {
  const auto found = std::ranges::find_if(
      volumes_, [&](const DiskVolume& volume) { return volume.disk == disk && !volume.is_staged; });
  return found == volumes_.end() ? nullptr : &*found;
}

StandingInstance PlannedDisks::standing() const {
  return {.directory = directory_,
          .has_disk = [this](const std::string& disk) { return has_file(disk) || volume(disk) != nullptr; },
          .recorded =
              [this](const std::string& disk) {
                const bool is_file = fs::symlink_status(directory_ / disk).type() == fs::regular_file;
                return is_file ? formats_.word_for(directory_ / disk) : std::string();
              }};
}

InstanceDisks PlannedDisks::disks(const CreationDecision& decision) const {
  InstanceDisks planned{spec_.uuid, {}};
  for (const model::DiskSpec& disk : decision.plan.disks) planned.disks.push_back(disk_of(disk, decision));
  if (decision.plan.config_drive) planned.disks.push_back(config_drive_of(decision.plan));
  return planned;
}

std::optional<RescuedDisk> PlannedDisks::rescued() const {
  const std::string root = model::kRootDisk;
  if (has_file(root)) return RescuedDisk{directory_ / root, formats_.word_for(directory_ / root), false};
  const DiskVolume* found = volume(root);
  return found == nullptr ? std::nullopt : std::optional(RescuedDisk{found->path, "raw", true});
}

InstanceDisk PlannedDisks::disk_of(const model::DiskSpec& disk, const CreationDecision& decision) const {
  InstanceDisk planned{.name = disk.name, .path = directory_ / disk.name, .format = "raw", .how = kExpected};
  if (has_file(disk.name)) {
    planned.format = formats_.word_for(planned.path);
    const auto known = formats_.format_of(planned.path);
    const auto expected = known ? backends_.for_format(*known).expected(known) : std::nullopt;
    if (expected) planned.io = expected->io;
    return planned;
  }
  if (const DiskVolume* standing = volume(disk.name)) {
    planned.path = standing->path;
    planned.io = standing->io;
    planned.is_volume = true;
    return planned;
  }
  model::require_key(disk, spec_.ephemeral_key_uuid, defaults_);
  planned.is_volume = disk.images_type == model::ImagesType::lvm;
  if (planned.is_volume) {
    planned.path = backends_.volumes.place({spec_.uuid, spec_.ephemeral_key_uuid}, disk.name).path;
  }
  const auto expected = backends_.for_type(disk.images_type).expected(base_format(disk, decision));
  if (!expected && !disk.device.empty()) throw unknown_format(disk.name);
  if (!expected) return planned;  // a kernel: nobody asks for its format
  planned.format = model::qemu_name(expected->format);
  planned.io = expected->io;
  return planned;
}

// What its base file is, where it is here; else what its registry says that it came as.
std::optional<model::DiskFormat> PlannedDisks::base_format(const model::DiskSpec& disk,
                                                           const CreationDecision& decision) const {
  const auto* image = std::get_if<model::ImageBase>(&disk.base);
  if (image == nullptr || defaults_.has_raw_bases) return model::DiskFormat::raw;
  const auto entry = cache_.find(model::key_of(disk.base));
  if (entry && entry->record) return entry->record->format;
  const auto meta = spec_.image_meta ? spec_.image_meta : decision.known.meta;
  return meta && meta->disk_format ? model::disk_format_from(*meta->disk_format) : std::nullopt;
}

// One that is there keeps its medium.
InstanceDisk PlannedDisks::config_drive_of(const model::DiskPlan& plan) const {
  InstanceDisk drive{.name = *plan.config_drive,
                     .path = directory_ / *plan.config_drive,
                     .format = std::string(model::name_of(plan.config_drive_format)),
                     .how = kExpected};
  if (fs::symlink_status(drive.path).type() == fs::regular_file) {
    drive.format = model::name_of(model::drive_format_of(sizes_of(drive.path).apparent));
  }
  return drive;
}

}  // namespace basecache::provision
