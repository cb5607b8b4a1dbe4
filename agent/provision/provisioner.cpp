#include "agent/provision/provisioner.hpp"

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/image/image_choices.hpp"
#include "agent/image/image_properties.hpp"
#include "agent/provision/instance_directory.hpp"
#include "agent/provision/instance_volumes.hpp"

namespace basecache::provision {
namespace {

namespace fs = boost::filesystem;

std::optional<InstanceImage> image_to_keep(const model::InstanceSpec& spec, const ChosenImage& chosen,
                                           const image::ImageProperties& properties) {
  if (!chosen.is_new || !chosen.meta) return std::nullopt;
  InstanceImage image{.ref = spec.image_ref ? spec.image_ref->shown() : ""};
  image.system_metadata = image::system_metadata_of(*chosen.meta, spec.flavor.root_gb, image.ref);
  image.block_devices = image::block_device_properties(*chosen.meta);
  image.root_device_name = properties.root_device_name.value_or("");
  return image;
}

// What the image of the instance itself says, while it is rescued by another.
image::ImageProperties properties_of_rescued(const model::InstanceSpec& spec, const InstanceDirectory& directory) {
  if (spec.suffix.empty()) return {};
  const auto kept = InstanceImage::read(directory.path());
  return kept ? image::ImageProperties::parse(kept->meta().properties) : image::ImageProperties();
}

// A creation has reached its end: of what it makes, libvirt.xml comes last and image_meta.json first. Nova's
// instances have neither.
bool is_made(const model::InstanceSpec& spec, const InstanceDirectory& directory, bool has_root, bool is_on_volume) {
  const auto has = [&](const char* name) { return fs::exists(directory.path() / name); };
  if (spec.suffix.empty() && !has_root && !is_on_volume) return false;
  return has(InstanceFiles::kDomain) || (has(model::kRootDisk) && !has(InstanceImage::kFileName));
}

// nova/virt/configdrive.py, update_instance: an instance that has got a drive keeps it, and its rescue has one too.
bool has_config_drive(const InstanceDirectory& directory, const std::string& suffix) {
  const std::string drive = model::kConfigDrive;
  return !directory.recorded(drive).empty() || !directory.recorded(drive + suffix).empty();
}

}  // namespace

DiskBackend& Backends::for_type(model::ImagesType type) const {
  switch (type) {
    case model::ImagesType::raw:
      return raw;
    case model::ImagesType::qcow2:
      return qcow2;
    case model::ImagesType::lvm:
      return lvm;
  }
  throw Error(ErrorCode::internal, "no disk backend for images_type");
}

DiskBackend& Backends::for_format(model::DiskFormat format) const {
  if (format == model::DiskFormat::raw) return raw;
  if (format == model::DiskFormat::qcow2) return qcow2;
  throw Error(ErrorCode::storage_unusable,
              "instance disks of format " + std::string(model::qemu_name(format)) + " are not supported");
}

InstanceDisks Provisioner::create(const model::InstanceSpec& spec, OpContext& op) {
  return with_context(
      [&] { return "cannot create the disks of instance " + spec.uuid.text(); },
      [&] {
        std::vector<cache::BaseFileLease> leases;  // until the disks stand in their place
        InstanceDirectory directory(cache_.layout(), spec.uuid, op);
        InstanceVolumes volumes(backends_.volumes, {spec.uuid, spec.ephemeral_key_uuid}, op);
        const auto [whole, plan, known, image] = decide(spec, directory, volumes, op);
        const RootDisk root{.known = known, .spec = whole, .plan = plan};
        InstanceDisks made{spec.uuid, {}};
        for (const model::DiskSpec& disk : plan.disks) {
          const bool is_root = disk.name == model::kRootDisk + spec.suffix;
          made.disks.push_back(provide_disk(disk, is_root ? &root : nullptr, directory, volumes, leases, op));
        }
        if (!plan.makes_root) (void)injection_.wanted(whole, plan, op);  // for its note
        if (plan.config_drive) {
          made.disks.push_back(config_drive_.provide(plan, whole, directory, op));
        }
        if (image) files_.provide_image(*image, spec.suffix, directory);
        files_.provide(whole, plan, made, directory, volumes);
        op.check();
        keep(directory, volumes, op);
        return made;
      });
}

Provisioner::Decision Provisioner::decide(const model::InstanceSpec& spec, const InstanceDirectory& directory,
                                          const InstanceVolumes& volumes, OpContext& op) {
  const std::optional<std::string> root_volume = model::root_volume(spec, defaults_);
  const bool is_on_volume = root_volume.has_value();
  bool has_root = false;
  const std::string root = model::kRootDisk + spec.suffix;
  ChosenImage chosen;
  image::ImageProperties properties;
  model::BusWishes buses;
  // Of the rescue's image only the buses count (nova/virt/libvirt/driver.py, rescue).
  const image::ImageProperties rescued = properties_of_rescued(spec, directory);
  const auto with_image = [&] {
    return image::with_image(spec, spec.suffix.empty() ? properties : rescued, root_volume, chosen.blame);
  };
  model::InstanceSpec whole = with_image();
  with_context([&] { return "disk " + quote(root); },
               [&] {
                 has_root = !is_on_volume && (directory.existing(root) || volumes.existing(root));
                 chosen = choose_image(spec, directory.path(), has_root, is_on_volume, cache_, op);
                 if (!chosen.meta) return;
                 require_acceptable(chosen, spec, cache_, op, [&] {
                   properties = image::ImageProperties::parse(chosen.meta->properties, chosen.blame);
                   buses = image::buses_of(properties, defaults_.virt_type, chosen.blame);
                   whole = with_image();
                   // Nothing is fetched for a disk that is there, and a rescue disk isn't of the flavor's size.
                   if (has_root || !spec.suffix.empty()) return;
                   image::require_room(*chosen.meta, spec.flavor, !model::root_volume(whole, defaults_));
                 });
               });
  whole.config_drive = whole.config_drive || has_config_drive(directory, spec.suffix);
  model::PlanDefaults defaults = defaults_;
  // nova/virt/configdrive.py, required_by: what was made without one isn't forced to have one later.
  if (is_made(spec, directory, has_root, is_on_volume)) defaults.force_config_drive = false;
  model::DiskPlan plan = model::plan_disks(whole, defaults, buses);
  std::optional<InstanceImage> image = image_to_keep(spec, chosen, properties);
  return Decision{std::move(whole), std::move(plan), std::move(chosen.known), std::move(image)};
}

// The directory last: where it is there, the instance's disks are.
void Provisioner::keep(InstanceDirectory& directory, InstanceVolumes& volumes, OpContext& op) const {
  if (syncs_disks_) {
    const auto step = op.steps().measure("sync");
    directory.sync();
  }
  volumes.publish(op);
  directory.keep();
  volumes.keep();
}

InstanceDisk Provisioner::provide_disk(const model::DiskSpec& disk, const RootDisk* root, InstanceDirectory& directory,
                                       InstanceVolumes& volumes, std::vector<cache::BaseFileLease>& leases,
                                       OpContext& op) {
  const auto describe = [&](const Standing& standing, std::string base, std::string_view how) {
    return InstanceDisk{.name = disk.name,
                        .path = standing.path,
                        .format = std::string(model::qemu_name(standing.disk.format)),
                        .size = standing.disk.size,
                        .base = std::move(base),
                        .io = standing.disk.io,
                        .is_volume = standing.is_volume,
                        .how = std::string(how)};
  };
  return with_context(
      [&] { return "disk " + quote(disk.name); },
      [&] {
        if (const auto standing = grow_existing(disk, directory, volumes, op)) {
          return describe(*standing, "", "kept");
        }
        model::require_key(disk, volumes.key_id(), defaults_);
        const bool is_volume = disk.images_type == model::ImagesType::lvm;
        StagedDisks& where = is_volume ? static_cast<StagedDisks&>(volumes) : directory;
        const DiskPlace place = where.place(disk.name);
        const cache::BaseFileLease& lease =
            leases.emplace_back(cache_.acquire(disk.base, op, root == nullptr ? cache::KnownImage{} : root->known));
        files_.require_fit(disk.name, lease.base());
        const auto step = op.steps().measure(disk.name);
        const MadeDisk made = backends_.for_type(disk.images_type).create_disk(place, disk.size, lease.base(), op);
        if (root != nullptr) {
          const auto injection = injection_.wanted(root->spec, root->plan, op);
          if (injection) injection_.inject(*injection, place, made, lease.base(), op);
        }
        where.add(disk.name, made.format);
        return describe({place.path, made, is_volume}, lease.base().key().text(), name_of(lease.how()));
      });
}

// Whatever images_type is now: a disk stays where it is.
std::optional<Provisioner::Standing> Provisioner::grow_existing(const model::DiskSpec& disk,
                                                                const InstanceDirectory& directory,
                                                                const InstanceVolumes& volumes, OpContext& op) const {
  const auto grow = [&](const StagedDisks& where, DiskBackend& backend, bool is_volume) {
    const auto step = op.steps().measure("grow " + disk.name);
    const DiskPlace place = where.place(disk.name);
    return Standing{place.path, backend.grow_disk(place, disk.size, op), is_volume};
  };
  if (const auto format = directory.existing(disk.name)) return grow(directory, backends_.for_format(*format), false);
  if (volumes.existing(disk.name)) return grow(volumes, backends_.lvm, true);
  return std::nullopt;
}

}  // namespace basecache::provision
