#include "agent/image/image_block_devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "agent/base/text.hpp"
#include "agent/image/device_fields.hpp"

namespace basecache::image {
namespace {

using nlohmann::json;
using Entry = ImageBlockDevices::Entry;
using Kind = ImageBlockDevices::Kind;

constexpr const char* kListed = "block_device_mapping";
constexpr const char* kMapped = "mappings";

// nova/block_device.py, is_ephemeral: "ephemeral0", "ephemeral12".
bool is_ephemeral(std::string_view name) {
  constexpr std::string_view kPrefix = "ephemeral";
  if (!name.starts_with(kPrefix)) return false;
  const std::string_view digits = name.substr(kPrefix.size());
  return parse_unsigned(digits) && (digits.size() == 1 || digits[0] != '0');
}

std::optional<Kind> kind_of_virtual(std::string_view name) {
  if (name == "swap") return Kind::swap;
  return is_ephemeral(name) ? std::optional(Kind::ephemeral) : std::nullopt;
}

// BlockDeviceDict.from_legacy. Its ephemeral disks are of the format that the node prefers.
Entry read_legacy(const DeviceFields& fields) {
  Entry entry{.device_name = fields.device_name("device_name"), .size = fields.size("volume_size")};
  const bool is_taken_back = fields.truth("no_device");
  const auto disk = kind_of_virtual(fields.text("virtual_name"));
  const bool is_copied = !fields.text("snapshot_id").empty();
  const bool is_volume = !fields.text("volume_id").empty();
  if (!is_taken_back && !disk && !is_copied && !is_volume) {
    fields.refuse("with a virtual_name (swap, ephemeral0 ...), a snapshot_id, a volume_id or no_device");
  }
  if (is_taken_back) return entry;
  if (disk) {
    entry.kind = *disk;
  } else if (!is_copied) {
    entry.kind = Kind::volume;
  }
  return entry;
}

Kind kind_of(const DeviceFields& fields) {
  const std::string source = fields.word("source_type", {"blank", "image", "snapshot", "volume"}, true);
  const std::string destination = fields.word("destination_type", {"local", "volume"}, false);
  if (source == "volume" && destination == "volume") return Kind::volume;
  if (source != "blank" || destination != "local") return Kind::left_out;
  return fields.text("guest_format") == "swap" ? Kind::swap : Kind::ephemeral;
}

Entry read_v2(const DeviceFields& fields) {
  Entry entry{.device_name = fields.device_name("device_name"), .size = fields.size("volume_size")};
  entry.boot_index = fields.integer("boot_index");
  if (fields.truth("no_device")) return entry;
  entry.kind = kind_of(fields);
  if (entry.kind == Kind::ephemeral) entry.guest_format = fields.guest_format("guest_format");
  return entry;
}

// Compute's _prepare_image_mapping; the others (ami, root ...) are no disks.
std::optional<Entry> read_mapping(const DeviceFields& fields) {
  const auto disk = kind_of_virtual(fields.text("virtual"));
  if (!disk) return std::nullopt;
  Entry entry{.kind = *disk, .device_name = fields.device_name("device")};
  if (entry.device_name.empty()) fields.refuse("with the name of its device");
  if (*disk == Kind::ephemeral) entry.guest_format = fields.guest_format("guest_format");
  return entry;
}

std::string plain_name(std::string_view name) { return std::string(name.starts_with("/dev/") ? name.substr(5) : name); }

// Adds what an image names to the devices of one request, entry by entry.
class Merge {
 public:
  Merge(model::BlockDevices asked, const model::Flavor& flavor, std::string root, ErrorCode code)
      : devices_(std::move(asked)), flavor_(flavor), root_(std::move(root)), code_(code) {
    for (const auto& ephemeral : devices_.ephemerals) named_.insert(plain_name(ephemeral.device_name));
    for (const auto& volume : devices_.volumes) named_.insert(plain_name(volume.mount_device));
    if (devices_.swap) named_.insert(plain_name(devices_.swap->device_name));
    named_.erase("");
    has_ephemerals_ = !devices_.ephemerals.empty();
    has_swap_ = devices_.swap && devices_.swap->swap_mb > 0;
    has_root_ = std::ranges::any_of(devices_.volumes, [&](const model::VolumeDevice& volume) {
      return volume.is_booted || plain_name(volume.mount_device) == root_;
    });
  }

  void add(const ImageBlockDevices& image) {
    std::set<std::string> listed;
    for (const Entry& entry : image.listed) {
      listed.insert(entry.device_name);
      add(entry, image.is_legacy);
    }
    for (const Entry& entry : image.mapped) {
      if (!listed.contains(entry.device_name)) add(entry, image.is_legacy);
    }
  }

  model::BlockDevices merged() {
    std::uint64_t total = 0;
    for (const auto& ephemeral : devices_.ephemerals) total += ephemeral.size_gb;
    if (adds_ephemerals_) require_room("ephemeral disks", total, flavor_.ephemeral_gb, "GiB", "ephemeral_gb");
    if (adds_swap_) require_room("swap disk", devices_.swap->swap_mb, flavor_.swap_mb, "MiB", "swap");
    return std::move(devices_);
  }

 private:
  void add(const Entry& entry, bool is_legacy) {
    if (named_.contains(entry.device_name)) return;
    if (entry.kind == Kind::ephemeral) add_ephemeral(entry);
    if (entry.kind == Kind::swap) add_swap(entry);
    if (entry.kind == Kind::volume) add_volume(entry, is_legacy);
  }

  static std::string path_of(const std::string& name) { return name.empty() ? "" : "/dev/" + name; }

  void add_ephemeral(const Entry& entry) {
    if (entry.device_name.empty() && has_ephemerals_) return;
    const std::uint64_t size = entry.size > 0 ? entry.size : flavor_.ephemeral_gb;
    if (size == 0) return;
    devices_.ephemerals.push_back({size, path_of(entry.device_name), entry.guest_format});
    adds_ephemerals_ = true;
  }

  void add_swap(const Entry& entry) {
    if (entry.device_name.empty() && has_swap_) return;
    const std::uint64_t size = entry.size > 0 ? entry.size : flavor_.swap_mb;
    if (size == 0) return;
    if (has_swap_ || adds_swap_) refuse("a second swap disk");
    devices_.swap = model::SwapDevice{path_of(entry.device_name), size};
    adds_swap_ = true;
  }

  // One that has no name and isn't booted is somewhere in the guest: nothing of ours depends on where.
  void add_volume(const Entry& entry, bool is_legacy) {
    const bool is_booted = is_legacy ? entry.device_name == root_ : entry.boot_index == 0;
    if (entry.device_name.empty() && (!is_booted || has_root_ || named_.contains(root_))) return;
    if (is_booted && (has_root_ || std::exchange(adds_root_, true))) refuse("a second volume to boot from");
    devices_.volumes.push_back({path_of(entry.device_name.empty() ? root_ : entry.device_name), is_booted});
  }

  [[noreturn]] void refuse(std::string_view what) const {
    Error error(code_, fmt::format("the image's property {} asks for {}", kListed, what));
    error.add_field("property", kListed).set_hint("correct the property of the image, or take it out");
    throw error;
  }

  static void require_room(std::string_view what, std::uint64_t needed, std::uint64_t given, std::string_view unit,
                           std::string_view field) {
    if (needed <= given) return;
    Error error(ErrorCode::disk_too_small,
                fmt::format("the image needs {} of {} {} (block_device_mapping, mappings), and the flavor has {} {}",
                            what, needed, unit, given, unit));
    error.add_field("field", fmt::format("flavor.{}", field))
        .set_hint("ask for a flavor with more, or for another image");
    throw error;
  }

  model::BlockDevices devices_;
  const model::Flavor& flavor_;
  const std::string root_;
  const ErrorCode code_;
  std::set<std::string> named_;  // by the request
  bool has_ephemerals_ = false;  // the request, and so on
  bool has_swap_ = false;
  bool has_root_ = false;
  bool adds_ephemerals_ = false;  // the image
  bool adds_swap_ = false;
  bool adds_root_ = false;
};

}  // namespace

ImageBlockDevices ImageBlockDevices::parse(const PropertyReader& read) {
  ImageBlockDevices devices;
  const char* version = read.find("img_bdm_v2") != nullptr ? "img_bdm_v2" : "bdm_v2";
  devices.is_legacy = !read.truth(version).value_or(false);
  std::size_t number = 0;
  for (const json& item : read.objects("img_block_device_mapping", kListed)) {
    const DeviceFields fields(read, item, fmt::format("{}[{}]", kListed, number++));
    devices.listed.push_back(devices.is_legacy ? read_legacy(fields) : read_v2(fields));
  }
  number = 0;
  for (const json& item : read.objects("img_mappings", kMapped)) {
    const DeviceFields fields(read, item, fmt::format("{}[{}]", kMapped, number++));
    if (auto entry = read_mapping(fields)) devices.mapped.push_back(*std::move(entry));
  }
  return devices;
}

model::BlockDevices with_devices_of(const ImageBlockDevices& image, model::BlockDevices asked,
                                    const model::Flavor& flavor, const std::string& root_device_name, ErrorCode code) {
  Merge merge(std::move(asked), flavor, plain_name(root_device_name), code);
  merge.add(image);
  return merge.merged();
}

}  // namespace basecache::image
