#include "agent/image/image_block_devices.hpp"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/image/image_choices.hpp"
#include "agent/image/image_properties.hpp"
#include "agent/model/disk_plan.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::image;
using nlohmann::json;

namespace {

using Texts = std::map<std::string, std::string>;

const std::string kImage = "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1";
const json kLarge = {{"ephemeral_gb", 4}, {"swap", 512}};

model::InstanceSpec completed(const Texts& properties, const json& asked, const json& flavor = kLarge,
                              const std::string& suffix = "") {
  const json request = {{"uuid", "9a2d629d-0000-4000-8000-000000000001"},
                        {"image_ref", kImage},
                        {"flavor", flavor},
                        {"suffix", suffix},
                        {"block_device_info", asked}};
  return with_image(model::InstanceSpec::make(request), ImageProperties::parse(properties));
}

json or_null(const std::string& name) { return name.empty() ? json() : json(name); }

json text_of(const model::BlockDevices& devices) {
  json text = {{"ephemerals", json::array()}, {"swap", nullptr}, {"volumes", json::array()}};
  for (const auto& each : devices.ephemerals) {
    text["ephemerals"].push_back({or_null(each.device_name), each.size_gb, or_null(each.guest_format.value_or(""))});
  }
  if (devices.swap) text["swap"] = {or_null(devices.swap->device_name), devices.swap->swap_mb};
  for (const auto& each : devices.volumes) text["volumes"].push_back({each.mount_device, each.is_booted});
  return text;
}

json merged(const Texts& properties, const json& asked) {
  return text_of(completed(properties, asked).block_device_info);
}

Texts v2(const std::vector<json>& devices) {
  return {{"bdm_v2", "True"}, {"block_device_mapping", json(devices).dump()}};
}

json blank(const json& more = json::object()) {
  json device = {{"source_type", "blank"}, {"destination_type", "local"}, {"boot_index", -1}};
  device.update(more);
  return device;
}

Error refused(const Texts& properties, const json& asked = json::object()) {
  return test::error_of([&] { completed(properties, asked); }).value();
}

// "disk vda disk.eph0 vdb "
std::string planned(const Texts& properties, const json& asked = json::object()) {
  std::string text;
  for (const auto& disk : model::plan_disks(completed(properties, asked), {}).disks) {
    text += disk.name + " " + disk.device + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("an image's block devices become those that Nova makes of them, and are refused where Nova refuses them") {
  const json rows = json::parse(test::read_file(NOVA_TABLE))["block_devices"];
  CHECK(rows.size() >= 70);
  for (const json& row : rows) {
    CAPTURE(row["what"].get<std::string>());
    const Texts properties = row["properties"].get<Texts>();
    if (row.contains("refused")) {
      CHECK_THROWS_AS(completed(properties, row["asked"], row["flavor"]), Error);
    } else {
      CHECK(text_of(completed(properties, row["asked"], row["flavor"]).block_device_info) == row["devices"]);
    }
  }
}

TEST_CASE("a wrong member of a block device is refused with what it may be") {
  struct Row {
    json device;
    std::string property;
    std::string told;
  };
  const std::vector<Row> rows{
      {{{"source_type", "tape"}}, "block_device_mapping[0].source_type", "'tape', and can only be one of blank, image"},
      {json::object(), "block_device_mapping[0].source_type", "one of blank, image, snapshot, volume"},
      {blank({{"destination_type", "x"}}), "block_device_mapping[0].destination_type", "one of local, volume"},
      {blank({{"guest_format", "zfs"}}), "block_device_mapping[0].guest_format", "one of ext2, ext3, ext4, xfs"},
      {blank({{"guest_format", 4}}), "block_device_mapping[0].guest_format", "'4', and can only be text"},
      {blank({{"device_name", "/etc/passwd"}}), "block_device_mapping[0].device_name", "a device name like"},
      {blank({{"volume_size", 1.5}}), "block_device_mapping[0].volume_size", "a whole number from 0"},
      {blank({{"volume_size", 18446744073709551615ULL}}), "block_device_mapping[0].volume_size", "a whole number"},
      {blank({{"boot_index", "x"}}), "block_device_mapping[0].boot_index", "a whole number from"},
      {blank({{"no_device", "yes"}}), "block_device_mapping[0].no_device", "one of true, false"}};
  for (const Row& row : rows) {
    CAPTURE(row.device.dump());
    const Error error = refused(v2({row.device}));
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(error.fields().at(0).second == row.property);
    CHECK_MESSAGE(error.message().find(row.told) != std::string::npos, error.message());
  }
  const json nameless = {{{"virtual", "swap"}}};
  CHECK(refused({{"mappings", nameless.dump()}}).fields().at(0).second == "mappings[0]");
  CHECK(refused(v2(std::vector<json>(65, blank()))).message().find("at most 64") != std::string::npos);
  CHECK(refused({{"bdm_v2", "perhaps"}}).fields().at(0).second == "bdm_v2");
}

TEST_CASE("members that nobody knows are passed over") {
  CHECK(merged(v2({blank({{"volume_size", 1}, {"colour", "red"}, {"tag", 7}})}), {})["ephemerals"].size() == 1);
}

TEST_CASE("more than the flavor has is told with the flavor's field") {
  const Error ephemeral = refused(v2({blank({{"volume_size", 5}})}));
  CHECK(ephemeral.code() == ErrorCode::disk_too_small);
  CHECK(ephemeral.fields().at(0).second == "flavor.ephemeral_gb");
  CHECK(ephemeral.message().find("5 GiB") != std::string::npos);
  const Error swap = refused(v2({blank({{"guest_format", "swap"}, {"volume_size", 513}})}));
  CHECK(swap.code() == ErrorCode::disk_too_small);
  CHECK(swap.fields().at(0).second == "flavor.swap");
  CHECK_NOTHROW(completed({}, {{"ephemerals", {{{"size", 9}}}}}));
}

// Nova has put names on what the image leaves open before it gives a request to a hypervisor.
TEST_CASE("what the image leaves open isn't made a second time where the request has it") {
  const Texts image = v2({blank({{"volume_size", 1}}), blank({{"volume_size", 64}, {"guest_format", "swap"}})});
  const json asked = {{"ephemerals", {{{"size", 1}, {"device_name", "/dev/vdb"}}}},
                      {"swap", {{"swap_size", 64}, {"device_name", "/dev/vdc"}}}};
  CHECK(merged(image, asked) == merged({}, asked));
  CHECK(merged(image, {{"swap", {{"swap_size", 0}}}})["swap"] == json::array({nullptr, 64}));
}

TEST_CASE("a volume without a name counts only where it is booted, and stands on the root device then") {
  const auto volume = [](int boot_index) {
    return v2({blank({{"source_type", "volume"}, {"destination_type", "volume"}, {"boot_index", boot_index}})});
  };
  CHECK(merged(volume(-1), {})["volumes"].empty());
  CHECK(merged(volume(0), {})["volumes"] == json::parse(R"([["/dev/vda", true]])"));
  CHECK(merged(volume(0), {{"root_device_name", "/dev/sda"}})["volumes"] == json::parse(R"([["/dev/sda", true]])"));
  const json booted = {{"block_device_mapping", {{{"mount_device", "/dev/vdb"}, {"boot_index", 0}}}}};
  CHECK(merged(volume(0), booted) == merged({}, booted));
  Texts scsi = volume(0);
  scsi["hw_disk_bus"] = "scsi";
  CHECK(merged(scsi, {})["volumes"] == json::parse(R"([["/dev/sda", true]])"));
}

TEST_CASE("the disks that are made are those of the image, then those of the flavor") {
  CHECK(planned({}) == "disk vda disk.local vdb disk.swap vdc ");
  CHECK(planned(v2({blank({{"volume_size", 1}, {"device_name", "vdd"}})})) == "disk vda disk.eph0 vdd disk.swap vdb ");
  CHECK(planned(v2({blank({{"volume_size", 1}}), blank({{"volume_size", 2}})})) ==
        "disk vda disk.eph0 vdb disk.eph1 vdc disk.swap vdd ");
  CHECK(planned({{"mappings", R"([{"virtual": "swap", "device": "vdf"}])"}}) ==
        "disk vda disk.local vdb disk.swap vdf ");
  CHECK(planned({{"block_device_mapping", R"([{"volume_id": "x", "device_name": "vda"}])"}}) ==
        "disk.local vdb disk.swap vdc ");
}

TEST_CASE("a rescue has no disks but its own, whatever its image names") {
  const auto spec = completed(v2({blank({{"volume_size", 100}})}), json::object(), kLarge, ".rescue");
  CHECK(spec.block_device_info.ephemerals.empty());
}
