#include "agent/provision/config_drive.hpp"

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/metadata/guest_metadata.hpp"
#include "agent/provision/instance_directory.hpp"
#include "agent/provision/random_seed.hpp"

namespace basecache::provision {

InstanceDisk ConfigDrive::provide(const model::DiskPlan& plan, const model::InstanceSpec& spec,
                                  InstanceDirectory& directory, OpContext& op) const {
  const std::string& name = *plan.config_drive;
  const DiskPlace place = directory.place(name);
  InstanceDisk drive{.name = name, .path = place.path, .format = "", .how = "kept"};
  return with_context([&] { return "config drive " + quote(name); },
                      [&] {
                        const bool has_file = directory.existing(name).has_value();
                        if (has_file) drive.size = sizes_of(place.path).apparent;
                        // A power cut may leave an empty one, which is no drive.
                        const bool is_there = drive.size.count != 0;
                        model::DriveFormat format = plan.config_drive_format;
                        if (is_there) format = model::drive_format_of(drive.size);
                        drive.format = model::name_of(format);
                        if (is_there && !spec.refresh_config_drive) return drive;
                        write(format, place.staged, plan, spec, op);
                        has_file ? directory.replace(name) : directory.add(name, model::DiskFormat::raw);
                        drive.how = "made";
                        drive.size = sizes_of(place.staged).apparent;
                        return drive;
                      });
}

void ConfigDrive::write(model::DriveFormat format, const Path& file, const model::DiskPlan& plan,
                        const model::InstanceSpec& spec, OpContext& op) const {
  const auto step = op.steps().measure(*plan.config_drive);
  DriveWriter& writer = format == model::DriveFormat::vfat ? vfat_ : iso9660_;
  const metadata::MetadataContext context{.dhcp_domain = dhcp_domain_, .plan = plan};
  writer.write_drive(file, metadata::guest_metadata(spec, random_seed(), context), op);
}

}  // namespace basecache::provision
