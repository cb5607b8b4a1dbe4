#include "agent/model/instance_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/base64.hpp"
#include "agent/model/checked_fields.hpp"
#include "agent/model/device_names.hpp"
#include "agent/model/domain_text.hpp"
#include "agent/model/ephemeral_format.hpp"
#include "agent/model/json_fields.hpp"
#include "agent/model/repeatable_request.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

// 512 TiB: beyond what a file system of a node holds, and far below where GiB overflow a count of bytes.
constexpr std::uint64_t kMostGibibytes = 512 * 1024;
constexpr std::uint64_t kMostMebibytes = kMostGibibytes * 1024;
// Nova's API takes 64 KiB of user data as base64 (MAX_USERDATA_SIZE).
constexpr std::size_t kLongestUserData = 65535;
// Beyond Nova's default quotas (5 files of 10 KiB): what the body limit of the socket lets through anyway.
constexpr std::size_t kMostInjectedFiles = 64;
constexpr std::size_t kLongestInjectedFile = 512 * 1024;
constexpr std::size_t kLongestKey = 16 * 1024;
constexpr std::size_t kMostDevices = 64;
constexpr std::size_t kMostMetadata = 256;
// A domain with some hundred devices has a tenth of that.
constexpr std::size_t kLongestDomain = 256 * 1024;
// 64 TiB, and what QEMU's machines stop far below.
constexpr std::uint64_t kMostMemory = std::uint64_t{64} * 1024 * 1024;
constexpr std::uint64_t kMostProcessors = 4096;
// Of what is handed on as it is: vendor data, a network that somebody else has described.
constexpr std::size_t kLongestJson = 256 * 1024;
constexpr std::size_t kMostSecurityGroups = 256;
// Far beyond what one request of Nova's API starts.
constexpr std::uint64_t kMostLaunched = 1'000'000;
// nova/compute/api.py, _handle_kernel_and_ramdisk.
constexpr std::string_view kNoKernel = "nokernel";

std::string decoded(JsonFields& fields, std::string_view name, std::size_t max_bytes) {
  const auto bytes = base64_decode(fields.text(name, max_bytes).value_or(""));
  if (!bytes) throw bad_field(fields.path_of(name), "is not base64");
  return *bytes;
}

// `otherwise` where it isn't given; 0 is refused.
std::uint64_t at_least_one(JsonFields& fields, std::string_view name, std::uint64_t max, std::uint64_t otherwise) {
  const std::uint64_t number = fields.number(name, max).value_or(otherwise);
  if (number == 0) throw bad_field(fields.path_of(name), "must be at least 1");
  return number;
}

// "/dev/vdb" or "vdb"; it is compared and shown, never opened.
std::string device_name(JsonFields& fields, std::string_view name) {
  std::string device = plain_text(fields, name, 64);
  if (!device.empty() && !is_disk_name(device)) {
    throw bad_field(fields.path_of(name), quote(device) + " is not a device name like '/dev/vdb'");
  }
  return device;
}

// An object of texts.
std::map<std::string, std::string> read_texts(const json& value, const std::string& path) {
  if (value.size() > kMostMetadata) throw bad_field(path, fmt::format("has more than {} items", kMostMetadata));
  JsonFields fields(value, path);
  std::map<std::string, std::string> texts;
  for (const auto& [name, item] : value.items()) {
    if (name.size() > kLongestName) throw bad_field(path, "has a name of more than 255 bytes");
    texts.emplace(name, fields.text(name, kLongestName).value_or(""));
  }
  return texts;
}

Flavor read_flavor(const json& value) {
  JsonFields fields(value, "flavor");
  Flavor flavor;
  flavor.name = plain_text(fields, "name");
  flavor.root_gb = fields.number("root_gb", kMostGibibytes).value_or(0);
  flavor.ephemeral_gb = fields.number("ephemeral_gb", kMostGibibytes).value_or(0);
  flavor.swap_mb = fields.number("swap", kMostMebibytes).value_or(0);
  flavor.memory_mb = at_least_one(fields, "memory_mb", kMostMemory, flavor.memory_mb);
  if (const json* specs = fields.object("extra_specs"))
    flavor.extra_specs = read_texts(*specs, fields.path_of("extra_specs"));
  flavor.vcpus = at_least_one(fields, "vcpus", kMostProcessors, flavor.vcpus);
  fields.finish();
  return flavor;
}

EphemeralDevice read_ephemeral(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  EphemeralDevice device;
  device.size_gb = fields.number("size", kMostGibibytes).value_or(0);
  if (device.size_gb == 0) throw bad_field(fields.path_of("size"), "must be at least 1 (GiB)");
  device.device_name = device_name(fields, "device_name");
  device.guest_format = fields.text("guest_format", 16);
  if (device.guest_format && !is_supported_guest_format(*device.guest_format)) {
    throw bad_field(fields.path_of("guest_format"), fmt::format("{} is not one of {}", quote(*device.guest_format, 40),
                                                                fmt::join(supported_guest_formats(), ", ")));
  }
  fields.finish();
  return device;
}

SwapDevice read_swap(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  SwapDevice swap{.device_name = device_name(fields, "device_name"),
                  .swap_mb = fields.number("swap_size", kMostMebibytes).value_or(0)};
  fields.finish();
  return swap;
}

VolumeDevice read_volume(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  VolumeDevice volume{.mount_device = device_name(fields, "mount_device"),
                      .is_booted = fields.integer("boot_index", -1, kMostDevices) == 0};
  if (volume.mount_device.empty()) throw bad_field(fields.path_of("mount_device"), "is missing");
  fields.finish();
  return volume;
}

BlockDevices read_block_devices(const json& value) {
  JsonFields fields(value, "block_device_info");
  BlockDevices devices;
  devices.root_device_name = device_name(fields, "root_device_name");
  devices.ephemerals = read_list(fields, "ephemerals", kMostDevices, read_ephemeral);
  if (const json* swap = fields.object("swap")) devices.swap = read_swap(*swap, fields.path_of("swap"));
  devices.volumes = read_list(fields, "block_device_mapping", kMostDevices, read_volume);
  fields.finish();
  return devices;
}

InjectedFile read_injected_file(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  InjectedFile file{.path = fields.required_text("path", kLongestName), .contents = {}};
  if (!file.path.starts_with('/') || has_control_bytes(file.path)) {
    throw bad_field(fields.path_of("path"), quote(file.path) + " is not an absolute path");
  }
  file.contents = decoded(fields, "contents", kLongestInjectedFile);
  fields.finish();
  return file;
}

std::optional<ImagesType> read_images_type(JsonFields& fields) {
  const auto name = fields.text("images_type", 16);
  if (!name) return std::nullopt;
  const auto type = images_type_from(*name);
  if (!type) throw bad_field("images_type", quote(*name, 40) + " is none of 'raw', 'qcow2' and 'lvm'");
  return type;
}

std::string read_key_uuid(JsonFields& fields) {
  std::string id = fields.text("ephemeral_key_uuid", 64).value_or("");
  if (!id.empty() && !is_uuid(id)) throw bad_field("ephemeral_key_uuid", quote(id) + " is not a UUID");
  return id;
}

// Nova says "" where there is none.
std::optional<ImageRef> read_boot_file(JsonFields& fields, std::string_view name) {
  const std::string ref = fields.text(name, 4096).value_or("");
  return ref.empty() ? std::nullopt : std::optional(ImageRef::parse(ref, name));
}

std::string read_key_type(JsonFields& fields) {
  const std::string type = fields.text("key_type", 16).value_or("ssh");
  if (type != "ssh" && type != "x509") throw bad_field("key_type", quote(type, 40) + " is neither 'ssh' nor 'x509'");
  return type;
}

Ec2Ids read_ec2_ids(const json& value) {
  JsonFields fields(value, "ec2_ids");
  Ec2Ids ids{.instance_id = plain_text(fields, "instance_id"),
             .ami_id = plain_text(fields, "ami_id"),
             .kernel_id = plain_text(fields, "kernel_id"),
             .ramdisk_id = plain_text(fields, "ramdisk_id")};
  fields.finish();
  return ids;
}

unsigned read_cpu(const json& value, const std::string& path) {
  if (!value.is_number_integer() || value < 0 || value >= kMostProcessors) {
    throw bad_field(path, fmt::format("must be a whole number from 0 to {}", kMostProcessors - 1));
  }
  return value.get<unsigned>();
}

std::set<unsigned> read_dedicated_cpus(JsonFields& fields) {
  const auto listed = read_list(fields, "dedicated_cpus", kMostProcessors, read_cpu);
  return {listed.begin(), listed.end()};
}

std::optional<ImageMeta> read_image_meta(JsonFields& fields, bool is_of_image) {
  const json* meta = fields.object("image_meta");
  const json* volume = fields.object("volume_image_metadata");
  if (volume == nullptr)
    return meta == nullptr ? std::nullopt : std::optional(requested_image_meta(*meta, "image_meta"));
  if (meta == nullptr && !is_of_image) return requested_volume_metadata(*volume, "volume_image_metadata");
  throw bad_field("volume_image_metadata",
                  is_of_image ? "is of a volume, and image_ref is given too"
                              : "and image_meta are both given, and one tells what the instance is of");
}

void read_image(JsonFields& fields, InstanceSpec& spec) {
  if (const auto ref = fields.text("image_ref", 4096)) spec.image_ref = ImageRef::parse(*ref, "image_ref");
  spec.checksum = fields.digest("checksum");
  if (spec.checksum && !spec.image_ref) {
    throw bad_field("checksum", "is given, but no image_ref that it could belong to");
  }
  spec.without_kernel = fields.text("kernel_id", 4096) == kNoKernel;
  if (!spec.without_kernel) spec.kernel_id = read_boot_file(fields, "kernel_id");
  spec.ramdisk_id = read_boot_file(fields, "ramdisk_id");
  spec.os_type = plain_text(fields, "os_type", 64);
  spec.image_meta = read_image_meta(fields, spec.image_ref.has_value());
  spec.images_type = read_images_type(fields);
  spec.ephemeral_key_uuid = read_key_uuid(fields);
}

void read_guest(JsonFields& fields, InstanceSpec& spec) {
  spec.config_drive = fields.boolean("config_drive").value_or(false);
  spec.refresh_config_drive = fields.boolean("refresh_config_drive").value_or(false);
  if (const json* metadata = fields.object("metadata")) spec.metadata = read_texts(*metadata, "metadata");
  spec.user_data = decoded(fields, "user_data", kLongestUserData);
  spec.injected_files = read_list(fields, "injected_files", kMostInjectedFiles, read_injected_file);
  spec.admin_pass = plain_text(fields, "admin_pass");
  spec.key_name = plain_text(fields, "key_name");
  spec.key_data = fields.text("key_data", kLongestKey).value_or("");
  spec.key_type = read_key_type(fields);
  spec.availability_zone = plain_text(fields, "availability_zone");
  spec.project_id = plain_text(fields, "project_id");
  spec.hostname = plain_text(fields, "hostname");
  spec.launch_index = fields.number("launch_index", kMostLaunched).value_or(0);
  spec.vendor_data = object_text(fields, "vendor_data", kLongestJson);
  spec.vendor_data2 = object_text(fields, "vendor_data2", kLongestJson);
  spec.dedicated_cpus = read_dedicated_cpus(fields);
}

void read_devices(JsonFields& fields, InstanceSpec& spec) {
  if (const json* devices = fields.object("block_device_info")) spec.block_device_info = read_block_devices(*devices);
  spec.devices = read_device_metadata(fields, "device_metadata");
  spec.network_info = read_vifs(fields, "network_info");
  spec.network_data = object_text(fields, "network_data", kLongestJson);
}

void read_ec2(JsonFields& fields, InstanceSpec& spec) {
  if (const json* ids = fields.object("ec2_ids")) spec.ec2_ids = read_ec2_ids(*ids);
  spec.reservation_id = plain_text(fields, "reservation_id");
  spec.security_groups = read_list(fields, "security_groups", kMostSecurityGroups, text_item);
}

}  // namespace

InstanceId InstanceId::parse(std::string_view text, std::string_view field) {
  if (!is_uuid(text)) {
    throw bad_field(std::string(field),
                    quote(text, 80) + " is not a UUID like '4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90' (lower case)");
  }
  return InstanceId(std::string(text));
}

std::string parse_suffix(std::string_view text, bool may_be_empty) {
  if (text == ".rescue" || (text.empty() && may_be_empty)) return std::string(text);
  throw bad_field("suffix", quote(text, 40) + (may_be_empty ? " is neither '' nor '.rescue'" : " is not '.rescue'"));
}

InstanceSpec InstanceSpec::make(const json& request) {
  JsonFields fields(request, "");
  InstanceSpec spec{.uuid = InstanceId::parse(fields.required_text("uuid", 4096), "uuid")};
  spec.name = plain_text(fields, "name");
  read_image(fields, spec);
  if (const json* flavor = fields.object("flavor")) spec.flavor = read_flavor(*flavor);
  read_devices(fields, spec);
  spec.suffix = parse_suffix(fields.text("suffix", 16).value_or(""), true);
  read_guest(fields, spec);
  read_ec2(fields, spec);
  if (auto text = fields.text("libvirt_xml", kLongestDomain); text && !text->empty()) {
    check_domain_text(*text, spec.uuid, "libvirt_xml");
    spec.libvirt_xml = *std::move(text);
  }
  fields.finish();
  spec.repeatable = repeatable_request(request, spec);
  return spec;
}

}  // namespace basecache::model
