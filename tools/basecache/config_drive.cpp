#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/composition_settings.hpp"
#include "agent/image/image_choices.hpp"
#include "agent/image/image_properties.hpp"
#include "agent/metadata/guest_metadata.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/model/drive_format.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/random_seed.hpp"
#include "backends/drive/drive_reader.hpp"
#include "backends/drive/iso9660_writer.hpp"
#include "backends/drive/vfat_writer.hpp"
#include "tools/basecache/attended.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/creation_request.hpp"
#include "tools/basecache/table.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

struct BuildOptions {
  CreationOptions guest;
  std::string output, format = "iso9660";
};

struct ShowOptions {
  std::string drive, file;
};

// What stands on a drive may be secret, so nothing of it but names and sizes.
json drive_json(const drive::ReadDrive& read) {
  json files = json::array();
  for (const metadata::DriveFile& file : read.files)
    files.push_back({{"path", file.path}, {"size", file.contents.size()}});
  return {{"format", model::name_of(read.format)}, {"label", read.label}, {"files", std::move(files)}};
}

std::string drive_text(const json& answer) {
  Table table({"SIZE", "FILE"});
  for (const json& file : answer["files"]) {
    table.add({to_text(Bytes{file["size"].get<std::uint64_t>()}), file["path"]});
  }
  return fmt::format("{}, label '{}'\n", answer["format"].get<std::string>(), answer["label"].get<std::string>()) +
         table.text();
}

void write_drive(model::DriveFormat format, const Path& file, const metadata::DriveContents& contents, OpContext& op) {
  if (format == model::DriveFormat::vfat) return drive::VfatWriter().write_drive(file, contents, op);
  drive::Iso9660Writer().write_drive(file, contents, op);
}

// At its name when it is whole.
void build_at(const Path& output, model::DriveFormat format, const metadata::DriveContents& contents, OpContext& op) {
  const Path staged = output.native() + fmt::format(".part-{}", ::getpid());
  try {
    write_drive(format, staged, contents, op);
    if (!rename_no_replace(staged, output)) {
      throw Error(ErrorCode::already_exists, quote(output.native()) + " is there already")
          .set_hint("name another file, or remove that one");
    }
  } catch (...) {
    remove_file(staged);
    throw;
  }
}

// What create makes of the request and its image_meta.
struct PlannedDrive {
  model::InstanceSpec spec;
  model::DiskPlan plan = {};
};

PlannedDrive planned_drive(model::InstanceSpec spec, const Config& config) {
  spec.config_drive = true;
  const model::PlanDefaults defaults = plan_defaults(config);
  model::BusWishes buses;
  if (spec.image_meta) {
    const auto properties = image::ImageProperties::parse(spec.image_meta->properties, ErrorCode::invalid_request);
    buses = image::buses_of(properties, defaults.virt_type, ErrorCode::invalid_request);
    buses.root_is_disc = spec.suffix.empty() && image::is_disc(*spec.image_meta);
    const auto root_volume = model::root_volume(spec, defaults);
    spec = image::with_image(std::move(spec), properties, root_volume, ErrorCode::invalid_request);
  }
  // A drive on its own may belong to a guest whose disks the request leaves out.
  if (!spec.image_ref && !model::root_volume(spec, defaults)) return {std::move(spec)};
  model::DiskPlan plan = model::plan_disks(spec, defaults, buses);
  return {std::move(spec), std::move(plan)};
}

void build(const BuildOptions& options, Session& session) {
  const auto format = model::drive_format_from(options.format);
  if (!format) {
    throw Error(ErrorCode::invalid_request, "--format: " + quote(options.format) + " is neither iso9660 nor vfat");
  }
  const auto [spec, plan] = planned_drive(model::InstanceSpec::make(creation_request(options.guest)), session.config());
  const Path output = boost::filesystem::absolute(options.output);
  const metadata::MetadataContext context{.dhcp_domain = session.config().dhcp_domain, .plan = plan};
  const metadata::DriveContents contents = metadata::guest_metadata(spec, provision::random_seed(), context);
  attended(session, "config-drive", [&](OpContext& op) { build_at(output, *format, contents, op); });
  session.show(drive_json(drive::read_drive(output)), drive_text);
}

void show(const ShowOptions& options, const Session& session) {
  const drive::ReadDrive read = drive::read_drive(boost::filesystem::absolute(options.drive));
  if (options.file.empty()) return session.show(drive_json(read), drive_text);
  const auto found = std::ranges::find(read.files, options.file, &metadata::DriveFile::path);
  if (found == read.files.end()) {
    throw Error(ErrorCode::not_found, "there is no file " + quote(options.file) + " on the config drive")
        .set_hint("'basecache config-drive show' without --file lists them");
  }
  write_out(found->contents);
}

void add_drive_build(Command group, Session& session) {
  Command command = group.command("build", "make a config drive of a creation request, with no daemon");
  const auto options = std::make_shared<BuildOptions>();
  command.option("--instance", options->guest.instance, "UUID of the instance");
  command.option("--output", options->output, "the file to make").required("--output");
  command.option("--format", options->format, "iso9660 (default) or vfat");
  declare_guest(command, options->guest);
  command.action([options, &session] { build(*options, session); });
}

void add_drive_show(Command group, Session& session) {
  Command command = group.command("show", "list what is on a config drive, with no daemon");
  const auto options = std::make_shared<ShowOptions>();
  command.argument("drive", options->drive, "the config drive: a file or a device");
  command.option("--file", options->file, "print this file of it instead (openstack/latest/meta_data.json)");
  command.action([options, &session] { show(*options, session); });
}

}  // namespace

void add_config_drive(Command root, Session& session) {
  const Command group = root.group("config-drive", "make or read a config drive on its own");
  add_drive_build(group, session);
  add_drive_show(group, session);
}

}  // namespace basecache::cli
