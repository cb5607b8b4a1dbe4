#include <memory>
#include <nlohmann/json.hpp>

#include "tools/basecache/commands.hpp"
#include "tools/basecache/creation_request.hpp"
#include "tools/basecache/disks_text.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

void create(const CreationOptions& options, Session& session) {
  const json request = creation_request(options);
  // What isn't a UUID would be another path of the API.
  const auto uuid = model::InstanceId::parse(request["uuid"].get<std::string>(), "--instance");
  session.show(session.fetch("/v1/instances/" + uuid.text() + "/disks", request), disks_text);
}

}  // namespace

void add_create(Command root, Session& session) {
  Command command = root.command("create", "make an instance's disks from an image");
  const auto options = std::make_shared<CreationOptions>();
  command.option("--instance", options->instance, "UUID of the instance");
  command.option("--image", options->image, "image ref: UUID of the registry, file:// or http(s):// URL");
  command.option("--checksum", options->checksum, "digest of the image's bytes, ALG:HEX (sha512:...)");
  command.option("--kernel", options->kernel, "image ref of a kernel that the guest is started with");
  command.option("--ramdisk", options->ramdisk, "image ref of the ramdisk for that kernel");
  command.option("--root-gb", options->root_gb, "size of the root disk in GiB; 0: the image's own (default)");
  command.options("--ephemeral-gb", options->ephemeral_gb, "an ephemeral disk of so many GiB; may be repeated");
  command.option("--swap-mb", options->swap_mb, "swap disk of so many MiB");
  command.option("--memory-mb", options->memory_mb, "memory in MiB (512); an image may need more (min_ram)");
  command.option("--images-type", options->images_type, "raw, qcow2 or lvm (default: as configured)");
  command.option("--suffix", options->suffix, "'.rescue' makes the disks of a rescued instance");
  command.flag("--config-drive", options->config_drive, "with a config drive");
  command.flag("--refresh-config-drive", options->refresh_config_drive,
               "the config drive is made anew, also where there is one");
  declare_guest(command, *options);
  command.action([options, &session] { create(*options, session); });
}

}  // namespace basecache::cli
