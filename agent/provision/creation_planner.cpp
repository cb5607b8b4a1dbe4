#include "agent/provision/creation_planner.hpp"

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/image/image_choices.hpp"
#include "agent/image/image_properties.hpp"
#include "agent/provision/guest_hardware.hpp"
#include "agent/provision/instance_files.hpp"

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
image::ImageProperties properties_of_rescued(const model::InstanceSpec& spec, const Path& directory) {
  if (spec.suffix.empty()) return {};
  const auto kept = InstanceImage::read(directory);
  return kept ? image::ImageProperties::parse(kept->meta().properties) : image::ImageProperties();
}

// A creation has reached its end: of what it makes, libvirt.xml comes last and image_meta.json first. Nova's
// instances have neither.
bool is_made(const model::InstanceSpec& spec, const Path& directory, bool has_root, bool is_on_volume) {
  const auto has = [&](const char* name) { return fs::exists(directory / name); };
  if (spec.suffix.empty() && !has_root && !is_on_volume) return false;
  return has(InstanceFiles::kDomain) || (has(model::kRootDisk) && !has(InstanceImage::kFileName));
}

// nova/virt/configdrive.py, update_instance: an instance that has got a drive keeps it, and its rescue has one too.
bool has_config_drive(const StandingInstance& standing, const std::string& suffix) {
  const std::string drive = model::kConfigDrive;
  return !standing.recorded(drive).empty() || !standing.recorded(drive + suffix).empty();
}

}  // namespace

CreationDecision CreationPlanner::decide(const model::InstanceSpec& spec, const StandingInstance& standing,
                                         OpContext& op, bool has_domain) const {
  const UnmadeSecurity security =
      has_domain || !spec.libvirt_xml.empty() ? UnmadeSecurity::noted : UnmadeSecurity::refused;
  const std::optional<std::string> root_volume = model::root_volume(spec, defaults_);
  const bool is_on_volume = root_volume.has_value();
  bool has_root = false;
  const std::string root = model::kRootDisk + spec.suffix;
  ChosenImage chosen;
  image::ImageProperties properties;
  model::BusWishes buses;
  domain::GuestHardware hardware = hardware_of({}, spec.flavor, hypervisor_, ErrorCode::image_unacceptable, security);
  // Of the rescue's image only buses and machine count, as in Nova's unstable rescue (nova/virt/libvirt/driver.py,
  // rescue).
  const image::ImageProperties rescued = properties_of_rescued(spec, standing.directory);
  const auto with_image = [&] {
    return image::with_image(spec, spec.suffix.empty() ? properties : rescued, root_volume, chosen.blame);
  };
  model::InstanceSpec whole = with_image();
  with_context([&] { return "disk " + quote(root); },
               [&] {
                 has_root = !is_on_volume && standing.has_disk(root);
                 chosen = choose_image(spec, standing.directory, has_root, is_on_volume, cache_, op);
                 if (!chosen.meta) return;
                 require_acceptable(chosen, spec, cache_, op, [&] {
                   properties = image::ImageProperties::parse(chosen.meta->properties, chosen.blame);
                   buses = image::buses_of(properties, defaults_.virt_type, chosen.blame);
                   buses.root_is_disc = spec.suffix.empty() && image::is_disc(*chosen.meta);
                   hardware = hardware_of(properties, spec.flavor, hypervisor_, chosen.blame, security);
                   whole = with_image();
                   // Nothing is fetched for a disk that is there, and a rescue disk isn't of the flavor's size.
                   if (has_root || !spec.suffix.empty()) return;
                   image::require_room(*chosen.meta, spec.flavor, !model::root_volume(whole, defaults_));
                 });
               });
  whole.config_drive = whole.config_drive || has_config_drive(standing, spec.suffix);
  model::PlanDefaults defaults = defaults_;
  // nova/virt/configdrive.py, required_by: what was made without one isn't forced to have one later.
  if (is_made(spec, standing.directory, has_root, is_on_volume)) defaults.force_config_drive = false;
  model::DiskPlan plan = model::plan_disks(whole, defaults, buses);
  std::optional<InstanceImage> image = image_to_keep(spec, chosen, properties);
  return {std::move(whole), std::move(plan), std::move(chosen.known), std::move(image), std::move(hardware)};
}

}  // namespace basecache::provision
