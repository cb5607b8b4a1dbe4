#include "tools/basecache/creation_request.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/model/base64.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

std::string content_of(const std::string& path, std::string_view option) {
  if (auto content = read_small_file(path)) return *std::move(content);
  throw Error(ErrorCode::invalid_request, fmt::format("{}: there is no file {}", option, quote(path)));
}

json json_of(const std::string& path, std::string_view option) {
  return model::parse_json(content_of(path, option), fmt::format("{}: {}", option, quote(path)));
}

// "NAME=VALUE"
std::pair<std::string, std::string> split_pair(const std::string& text, std::string_view option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorCode::invalid_request, fmt::format("{}: {} has no '='", option, quote(text)));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// One ephemeral disk is the flavor's (disk.local), several are block devices (disk.eph0 ...), as in Nova.
void put_ephemerals(const std::vector<std::uint64_t>& sizes, json& request) {
  if (sizes.size() == 1) request["flavor"]["ephemeral_gb"] = sizes.front();
  if (sizes.size() <= 1) return;
  json& devices = request["block_device_info"]["ephemerals"] = json::array();
  for (const std::uint64_t size : sizes) devices.push_back({{"size", size}});
}

void put_texts(const CreationOptions& options, json& request) {
  const std::pair<const char*, const std::string&> texts[] = {
      {"uuid", options.instance},     {"image_ref", options.image},         {"checksum", options.checksum},
      {"kernel_id", options.kernel},  {"ramdisk_id", options.ramdisk},      {"name", options.name},
      {"hostname", options.hostname}, {"images_type", options.images_type}, {"suffix", options.suffix}};
  for (const auto& [field, value] : texts) {
    if (!value.empty()) request[field] = value;
  }
}

void put_guest(const CreationOptions& options, json& request) {
  if (options.config_drive) request["config_drive"] = true;
  if (options.refresh_config_drive) request["refresh_config_drive"] = true;
  if (!options.user_data.empty()) {
    request["user_data"] = model::base64_encode(content_of(options.user_data, "--user-data"));
  }
  if (!options.key_data.empty()) request["key_data"] = content_of(options.key_data, "--key");
  if (!options.network_data.empty()) request["network_data"] = json_of(options.network_data, "--network-data");
  for (const std::string& pair : options.metadata) {
    auto [name, value] = split_pair(pair, "--metadata");
    request["metadata"][name] = value;
  }
  for (const std::string& pair : options.files) {
    const auto [path, source] = split_pair(pair, "--file");
    request["injected_files"].push_back(
        {{"path", path}, {"contents", model::base64_encode(content_of(source, "--file"))}});
  }
}

}  // namespace

void declare_disks(Command& command, CreationOptions& options) {
  command.option("--image", options.image, "image ref: UUID of the registry, file:// or http(s):// URL");
  command.option("--checksum", options.checksum, "digest of the image's bytes, ALG:HEX (sha512:...)");
  command.option("--kernel", options.kernel, "image ref of a kernel that the guest is started with");
  command.option("--ramdisk", options.ramdisk, "image ref of the ramdisk for that kernel");
  command.option("--root-gb", options.root_gb, "size of the root disk in GiB; 0: the image's own (default)");
  command.options("--ephemeral-gb", options.ephemeral_gb, "an ephemeral disk of so many GiB; may be repeated");
  command.option("--swap-mb", options.swap_mb, "swap disk of so many MiB");
  command.option("--memory-mb", options.memory_mb, "memory in MiB (512); an image may need more (min_ram)");
  command.option("--images-type", options.images_type, "raw, qcow2 or lvm (default: as configured)");
  command.option("--suffix", options.suffix, "'.rescue' makes the disks of a rescued instance");
  command.flag("--config-drive", options.config_drive, "with a config drive");
}

void declare_guest(Command& command, CreationOptions& options) {
  command.option("--name", options.name, "display name of the instance");
  command.option("--hostname", options.hostname, "host name the guest is told (default: made from the name)");
  command.option("--user-data", options.user_data, "file with user data for the guest");
  command.option("--key", options.key_data, "file with an SSH public key for the guest");
  command.option("--network-data", options.network_data, "file with network_data.json for the guest");
  command.options("--metadata", options.metadata, "NAME=VALUE for the guest; may be repeated");
  command.options("--file", options.files, "GUEST_PATH=LOCAL_FILE to inject; may be repeated");
  command.option("--spec", options.spec, "file with a creation request in JSON; options stand over it");
}

json creation_request(const CreationOptions& options) {
  json request = options.spec.empty() ? json::object() : json_of(options.spec, "--spec");
  if (!request.is_object()) throw Error(ErrorCode::invalid_request, "--spec: the file must hold one JSON object");
  put_texts(options, request);
  if (options.root_gb) request["flavor"]["root_gb"] = *options.root_gb;
  if (options.swap_mb) request["flavor"]["swap"] = *options.swap_mb;
  if (options.memory_mb) request["flavor"]["memory_mb"] = *options.memory_mb;
  put_ephemerals(options.ephemeral_gb, request);
  put_guest(options, request);
  if (!request.contains("uuid") || !request["uuid"].is_string()) {
    throw Error(ErrorCode::invalid_request, "no instance is named")
        .set_hint("--instance UUID, or uuid in the --spec file");
  }
  return request;
}

}  // namespace basecache::cli
