#include "agent/provision/provisioner.hpp"

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/provision/instance_directory.hpp"
#include "agent/provision/instance_domain.hpp"
#include "agent/provision/instance_volumes.hpp"
#include "agent/provision/planned_disks.hpp"
#include "agent/provision/standing_domain.hpp"

namespace basecache::provision {

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

namespace {

StandingInstance standing(const InstanceDirectory& directory, const InstanceVolumes& volumes) {
  return {.directory = directory.path(),
          .has_disk =
              [&](const std::string& disk) {
                return directory.existing(disk).has_value() || volumes.existing(disk).has_value();
              },
          .recorded = [&](const std::string& disk) { return directory.recorded(disk); }};
}

// The second growth ends one that was cut off.
MadeDisk grow_disk(DiskBackend& backend, const DiskPlace& place, std::optional<Bytes> size, CreationFor purpose,
                   OpContext& op) {
  try {
    return backend.grow_disk(place, size, op);
  } catch (const Error& error) {
    if (purpose == CreationFor::request || error.code() != ErrorCode::disk_too_small) throw;
    op.note("disk " + quote(place.disk) + " stays as large as it is: " + error.message());
  }
  return backend.grow_disk(place, backend.grow_disk(place, std::nullopt, op).size, op);
}

}  // namespace

InstanceDisks Provisioner::create(const model::InstanceSpec& spec, OpContext& op, CreationFor purpose) {
  return with_context(
      [&] { return "cannot create the disks of instance " + spec.uuid.text(); },
      [&] {
        std::vector<cache::BaseFileLease> leases;  // until the disks stand in their place
        InstanceDirectory directory(cache_.layout(), spec.uuid, op);
        InstanceVolumes volumes(backends_.volumes, {spec.uuid, spec.ephemeral_key_uuid}, op);
        const CreationDecision decision =
            planner_.decide(spec, standing(directory, volumes), op, purpose == CreationFor::start);
        const auto& [whole, plan, known, image, hardware] = decision;
        const RootDisk root{.known = known, .spec = whole, .plan = plan};
        InstanceDisks made{spec.uuid, {}};
        for (const model::DiskSpec& disk : plan.disks) {
          const bool is_root = disk.name == model::kRootDisk + spec.suffix;
          made.disks.push_back(provide_disk(disk, is_root ? &root : nullptr, directory, volumes, leases, purpose, op));
        }
        if (!plan.makes_root) (void)injection_.wanted(whole, plan, op);  // for its note
        if (plan.config_drive) {
          made.disks.push_back(config_drive_.provide(plan, whole, directory, op));
        }
        if (image) files_.provide_image(*image, spec.suffix, directory);
        files_.provide({whole, plan, hardware, made}, directory, volumes);
        op.check();
        keep(directory, volumes, op);
        return made;
      });
}

std::string Provisioner::domain(const model::InstanceSpec& spec, OpContext& op) const {
  return with_context([&] { return "cannot tell the domain of instance " + spec.uuid.text(); },
                      [&] {
                        const PlannedDisks planned(cache_, backends_, defaults_, spec, op);
                        const CreationDecision decision = planner_.decide(spec, planned.standing(), op);
                        const InstanceDisks disks = planned.disks(decision);
                        const MadeInstance made{decision.spec, decision.plan, decision.hardware, disks};
                        const auto rescued = spec.suffix.empty() ? std::nullopt : planned.rescued();
                        const auto standing =
                            shown_domain(planned.directory() / (InstanceFiles::kDomain + spec.suffix));
                        return domain_to_stand(spec.libvirt_xml, standing,
                                               domain_of(made, planned.directory(), rescued), files_.hypervisor());
                      });
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
                                       CreationFor purpose, OpContext& op) {
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
        if (const auto standing = grow_existing(disk, directory, volumes, purpose, op)) {
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
                                                                const InstanceVolumes& volumes, CreationFor purpose,
                                                                OpContext& op) const {
  const auto grow = [&](const StagedDisks& where, DiskBackend& backend, bool is_volume) {
    const auto step = op.steps().measure("grow " + disk.name);
    const DiskPlace place = where.place(disk.name);
    return Standing{place.path, grow_disk(backend, place, disk.size, purpose, op), is_volume};
  };
  if (const auto format = directory.existing(disk.name)) return grow(directory, backends_.for_format(*format), false);
  if (volumes.existing(disk.name)) return grow(volumes, backends_.lvm, true);
  return std::nullopt;
}

}  // namespace basecache::provision
