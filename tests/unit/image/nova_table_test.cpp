#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/image/image_properties.hpp"
#include "agent/image/snapshot_meta.hpp"
#include "agent/image/system_metadata.hpp"
#include "backends/glance/glance_image.hpp"
#include "tests/support/scratch_dir.hpp"

// tests/data/image_properties.json is Nova's: tests/peers/test_image_properties.py makes it again and compares.

using namespace basecache;
using namespace basecache::image;
using nlohmann::json;

namespace {

using Texts = std::map<std::string, std::string>;

json table() { return json::parse(test::read_file(NOVA_TABLE)); }

// From the registry's record to what the agent keeps of it, by the way that a creation takes.
model::ImageMeta meta_of(const json& row) {
  if (row.contains("volume_image_metadata")) {
    return model::requested_volume_metadata(row["volume_image_metadata"], "volume_image_metadata");
  }
  const glance::GlanceImage image = glance::parse_image(row["record"]);
  const auto ref = model::ImageRef::parse(image.id, "image_ref");
  return model::image_meta_of(glance::record_of(image, ref));
}

std::string ref_of(const json& row) { return row.contains("record") ? row["record"]["id"].get<std::string>() : ""; }

std::string text_of(const std::optional<std::uint64_t>& number) { return number ? std::to_string(*number) : "none"; }

void put(json& known, const char* name, const std::optional<std::string>& value) {
  if (value) known[name] = *value;
}
void put(json& known, const char* name, const std::optional<bool>& value) {
  if (value) known[name] = *value;
}
void put(json& known, const char* name, const std::optional<std::uint32_t>& value) {
  if (value) known[name] = *value;
}
void put(json& known, const char* name, const std::optional<model::DiskBus>& value) {
  if (value) known[name] = name_of(*value);
}

// As Nova's object has it.
json known_of(const ImageProperties& image, const json& properties) {
  json known = json::object();
  put(known, "hw_disk_bus", image.disk_bus);
  put(known, "hw_cdrom_bus", image.cdrom_bus);
  put(known, "hw_scsi_model", image.scsi_model);
  put(known, "hw_vif_model", image.vif_model);
  put(known, "hw_machine_type", image.machine_type);
  put(known, "hw_firmware_type", image.firmware_type);
  put(known, "hw_rng_model", image.rng_model);
  put(known, "hw_watchdog_action", image.watchdog_action);
  put(known, "hw_video_model", image.video_model);
  put(known, "hw_boot_menu", image.boot_menu);
  put(known, "hw_qemu_guest_agent", image.qemu_guest_agent);
  put(known, "os_require_quiesce", image.require_quiesce);
  put(known, "hw_serial_port_count", image.serial_port_count);
  put(known, "hw_cpu_sockets", image.cpu_sockets);
  put(known, "hw_cpu_cores", image.cpu_cores);
  put(known, "hw_cpu_threads", image.cpu_threads);
  put(known, "hw_cpu_max_sockets", image.cpu_max_sockets);
  put(known, "hw_cpu_max_cores", image.cpu_max_cores);
  put(known, "hw_cpu_max_threads", image.cpu_max_threads);
  put(known, "hw_cpu_policy", image.cpu_policy);
  put(known, "hw_cpu_thread_policy", image.cpu_thread_policy);
  put(known, "hw_cpu_realtime_mask", image.cpu_realtime_mask);
  put(known, "os_distro", image.os_distro);
  put(known, "os_type", image.os_type);
  put(known, "hw_architecture", image.architecture);
  put(known, "img_root_device_name", image.root_device_name);
  const bool is_mandatory = image.config_drive == ConfigDrivePolicy::mandatory;
  if (properties.contains("img_config_drive")) known["img_config_drive"] = is_mandatory ? "mandatory" : "optional";
  return known;
}

}  // namespace

TEST_CASE("records become the system metadata that Nova makes of them") {
  const json rows = table()["rows"];
  CHECK(rows.size() >= 80);
  for (const json& row : rows) {
    CAPTURE(row["what"].get<std::string>());
    CHECK(system_metadata_of(meta_of(row), row["root_gb"], ref_of(row)) == row["system_metadata"].get<Texts>());
  }
}

TEST_CASE("snapshots are given back what Nova gives them") {
  const json rows = table()["rows"];
  for (const json& row : rows) {
    CAPTURE(row["what"].get<std::string>());
    const model::ImageMeta given = snapshot_meta(row["system_metadata"].get<Texts>(), "a snapshot");
    CHECK(given.name == "a snapshot");
    CHECK_FALSE(given.disk_format);
    CHECK_FALSE(given.container_format);
    CHECK(given.properties == row["snapshot"]["properties"].get<Texts>());
    CHECK(text_of(given.min_disk) == row["snapshot"].value("min_disk", "none"));
    CHECK(text_of(given.min_ram) == row["snapshot"].value("min_ram", "none"));
  }
}

TEST_CASE("what is kept of a record survives being stored") {
  const json rows = table()["rows"];
  for (const json& row : rows) {
    CAPTURE(row["what"].get<std::string>());
    const model::ImageMeta meta = meta_of(row);
    CHECK(model::stored_image_meta(json::parse(to_json(meta).dump())) == meta);
  }
}

TEST_CASE("properties are read as Nova reads them, and refused where Nova refuses them") {
  const json rows = table()["translations"];
  CHECK(rows.size() >= 60);
  for (const json& row : rows) {
    CAPTURE(row["properties"].dump());
    const Texts properties = row["properties"].get<Texts>();
    if (row.contains("refused")) {
      CHECK_THROWS_AS(ImageProperties::parse(properties), Error);
    } else {
      CHECK(known_of(ImageProperties::parse(properties), row["properties"]) == row["known"]);
    }
  }
}
