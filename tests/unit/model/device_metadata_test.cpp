#include "agent/model/device_metadata.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::model;
using nlohmann::json;

namespace {

std::vector<TaggedDevice> read(const json& value) {
  const json request = {{"device_metadata", value}};
  JsonFields fields(request, "");
  return read_device_metadata(fields, "device_metadata");
}

std::string refusal(const char* device) {
  try {
    read({{"devices", json::array({json::parse(device)})}});
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    return error.message();
  }
  return "taken";
}

}  // namespace

TEST_CASE("devices are read with all that is told of them") {
  const auto devices = read(json::parse(R"({"devices": [
    {"type": "nic", "bus": "pci", "address": "0000:00:02.0", "mac": "FA-16-3E-00-00-01", "vlan": 7, "vf_trusted": true,
     "tags": ["public", "fast"]},
    {"type": "disk", "bus": "scsi", "address": "1:0:2:0", "serial": "s1", "path": "/dev/sda", "tags": []},
    {"type": "disk"}]})"));
  REQUIRE(devices.size() == 3);
  CHECK(devices[0].kind == TaggedKind::nic);
  CHECK(devices[0].bus == "pci");
  CHECK(devices[0].address == "0000:00:02.0");
  CHECK(devices[0].mac == "fa:16:3e:00:00:01");
  CHECK(devices[0].vlan == 7);
  CHECK(devices[0].vf_trusted);
  CHECK(devices[0].tags == std::vector<std::string>{"public", "fast"});
  CHECK(devices[1].kind == TaggedKind::disk);
  CHECK(devices[1].serial == "s1");
  CHECK(devices[1].path == "/dev/sda");
  CHECK(devices[1].tags == std::vector<std::string>{});
  CHECK_FALSE(devices[2].tags.has_value());
  CHECK_FALSE(devices[2].serial.has_value());
  CHECK(devices[2].bus.empty());
  CHECK(read(nullptr).empty());
  CHECK(read(json::object()).empty());
}

TEST_CASE("what is wrong with a device is named by its place") {
  const std::pair<const char*, const char*> rows[] = {
      {R"({})", "device_metadata.devices[0].type is missing"},
      {R"({"type": "gpu"})", "device_metadata.devices[0].type 'gpu' is neither 'nic' nor 'disk'"},
      {R"({"type": "nic"})", "device_metadata.devices[0].mac is missing"},
      {R"({"type": "nic", "mac": "fa:16:3e:00:00"})", "device_metadata.devices[0].mac 'fa:16:3e:00:00' is not a MAC"},
      {R"({"type": "nic", "mac": "fa:16:3e:00:00:0g"})", "device_metadata.devices[0].mac 'fa:16:3e:00:00:0g' is not"},
      {R"({"type": "nic", "mac": "fa:16:3e:00:00:01", "vlan": 4096})",
       "device_metadata.devices[0].vlan must be a whole"},
      {R"({"type": "nic", "mac": "fa:16:3e:00:00:01", "serial": "s"})",
       "device_metadata.devices[0].serial is not a known"},
      {R"({"type": "disk", "mac": "fa:16:3e:00:00:01"})", "device_metadata.devices[0].mac is not a known field"},
      {R"({"type": "disk", "bus": "isa"})",
       "device_metadata.devices[0].bus 'isa' is not one of pci, usb, scsi, ide, xen"},
      {R"({"type": "disk", "address": "0:0"})", "device_metadata.devices[0].address is given, but no bus"},
      {R"({"type": "disk", "tags": [1]})", "device_metadata.devices[0].tags[0] must be a string"},
      {R"({"type": "disk", "tags": ["a\nb"]})", "device_metadata.devices[0].tags[0] has control characters"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const std::string said = refusal(row.first);
    CAPTURE(said);
    CHECK(said.starts_with(row.second));
  }
  CHECK_THROWS_AS(read({{"devices", json(129, json::parse(R"({"type": "disk"})"))}}), Error);
  CHECK_THROWS_AS(read({{"device", json::array()}}), Error);
}
