#include "agent/provision/provisioner.hpp"

#include <openssl/rand.h>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/model/guest_metadata.hpp"
#include "agent/provision/instance_directory.hpp"

namespace basecache::provision {
namespace {

// nova/api/metadata/base.py: random_seed holds 512 bytes.
constexpr std::size_t kRandomSeedBytes = 512;

std::string random_seed() {
  std::string seed(kRandomSeedBytes, '\0');
  if (::RAND_bytes(reinterpret_cast<unsigned char*>(seed.data()), static_cast<int>(seed.size())) != 1) {
    throw Error(ErrorCode::internal, "cannot draw random bytes for the guest");
  }
  return seed;
}

}  // namespace

DiskBackend& Backends::for_type(model::ImagesType type) const {
  switch (type) {
    case model::ImagesType::raw:
      return raw;
    case model::ImagesType::qcow2:
      return qcow2;
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
  return with_context([&] { return "cannot create the disks of instance " + spec.uuid.text(); },
                      [&] {
                        const model::DiskPlan plan = model::plan_disks(spec, defaults_);
                        std::vector<cache::BaseFileLease> leases;  // until the disks stand in their place
                        InstanceDirectory directory(cache_.layout(), spec.uuid, op);
                        InstanceDisks made{spec.uuid, {}};
                        for (const model::DiskSpec& disk : plan.disks) {
                          made.disks.push_back(provide_disk(disk, directory, leases, op));
                        }
                        if (plan.config_drive) {
                          made.disks.push_back(provide_config_drive(*plan.config_drive, spec, directory, op));
                        }
                        op.check();
                        if (syncs_disks_) sync(directory, op);
                        directory.keep();
                        return made;
                      });
}

void Provisioner::sync(InstanceDirectory& directory, OpContext& op) {
  const auto step = op.steps().measure("sync");
  directory.sync();
}

InstanceDisk Provisioner::provide_disk(const model::DiskSpec& disk, InstanceDirectory& directory,
                                       std::vector<cache::BaseFileLease>& leases, OpContext& op) {
  const DiskPlace place = directory.place(disk.name);
  const auto describe = [&](const MadeDisk& made, std::string base, std::string_view how) {
    return InstanceDisk{.name = disk.name,
                        .path = place.path,
                        .format = std::string(model::qemu_name(made.format)),
                        .size = made.size,
                        .base = std::move(base),
                        .io = made.io,
                        .how = std::string(how)};
  };
  return with_context(
      [&] { return "disk " + quote(disk.name); },
      [&] {
        if (const auto format = directory.existing(disk.name)) {
          const auto step = op.steps().measure("grow " + disk.name);
          return describe(backends_.for_format(*format).grow_disk(place.path, disk.size, op), "", "kept");
        }
        const cache::BaseFileLease& lease = leases.emplace_back(cache_.acquire(disk.base, op));
        const auto step = op.steps().measure(disk.name);
        const MadeDisk made = backends_.for_type(disk.images_type).create_disk(place, disk.size, lease.base(), op);
        directory.add(disk.name, made.format);
        return describe(made, lease.base().key().text(), name_of(lease.how()));
      });
}

InstanceDisk Provisioner::provide_config_drive(const std::string& name, const model::InstanceSpec& spec,
                                               InstanceDirectory& directory, OpContext& op) {
  const DiskPlace place = directory.place(name);
  InstanceDisk drive{.name = name, .path = place.path, .format = "iso9660", .how = "kept"};
  return with_context([&] { return "config drive " + quote(name); },
                      [&] {
                        Path written = place.path;
                        if (!directory.existing(name)) {
                          const auto step = op.steps().measure(name);
                          backends_.config_drive.write_drive(place.staged, model::guest_metadata(spec, random_seed()),
                                                             op);
                          directory.add(name, model::DiskFormat::raw);
                          drive.how = "made";
                          written = place.staged;
                        }
                        drive.size = sizes_of(written).apparent;
                        return drive;
                      });
}

}  // namespace basecache::provision
