#include "agent/model/instance_spec.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/base64.hpp"

using namespace basecache;
using namespace basecache::model;
using nlohmann::json;

namespace {

const std::string kUuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";
const std::string kImage = "155d900f-4e14-4e4c-a73d-069cbf4541e6";

json bare_request() { return {{"uuid", kUuid}, {"image_ref", kImage}}; }

// A field of a request, given by its JSON pointer, and what is wrong with it.
struct Refused {
  std::string at;
  json value;
  std::string field;   // as the error names it
  std::string reason;  // a part of the message
};

void check_refused(const json& request, const Refused& row) {
  CAPTURE(row.at);
  CAPTURE(row.value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 200));
  try {
    InstanceSpec::make(request);
    FAIL_CHECK("was taken");
  } catch (const Error& error) {
    CAPTURE(error.message());
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message().find(row.field) != std::string::npos);
    CHECK(error.message().find(row.reason) != std::string::npos);
    CHECK(error.message().size() < 400);
    CHECK(error.fields().at(0).first == "field");
  }
}

void check_refused(const std::vector<Refused>& rows) {
  for (const Refused& row : rows) {
    json request = bare_request();
    request[json::json_pointer(row.at)] = row.value;
    check_refused(request, row);
  }
}

json list_of(std::size_t count, const json& item) { return json(count, item); }

}  // namespace

TEST_CASE("a request with all there is becomes a spec with all there is") {
  const InstanceSpec spec = InstanceSpec::make({
      {"uuid", kUuid},
      {"name", "web 1"},
      {"image_ref", kImage},
      {"checksum", "SHA256:" + std::string(64, 'A')},
      {"os_type", "linux"},
      {"flavor",
       {{"root_gb", 4}, {"ephemeral_gb", 1}, {"swap", 256}, {"memory_mb", 2048}, {"vcpus", 2}, {"name", "m1"}}},
      {"block_device_info",
       {{"root_device_name", "/dev/vda"},
        {"ephemerals", {{{"size", 1}, {"device_name", "/dev/vdb"}, {"guest_format", "ext4"}}, {{"size", 2}}}},
        {"swap", {{"device_name", "/dev/vdd"}, {"swap_size", 512}}},
        {"block_device_mapping", {{{"mount_device", "/dev/vde"}}}}}},
      {"images_type", "raw"},
      {"suffix", ".rescue"},
      {"config_drive", true},
      {"metadata", {{"role", "web"}}},
      {"user_data", base64_encode("#!/bin/sh\n")},
      {"injected_files", {{{"path", "/etc/motd"}, {"contents", base64_encode("hello")}}}},
      {"admin_pass", "secret"},
      {"key_name", "mine"},
      {"key_data", "ssh-ed25519 AAAA me\n"},
      {"network_data", {{"links", json::array()}}},
      {"availability_zone", "az1"},
      {"project_id", "p1"},
      {"hostname", "web-1"},
      {"libvirt_xml", "<domain/>"},
      {"key_type", "x509"},
      {"launch_index", 3},
      {"vendor_data", {{"a", "\u00e4"}}},
      {"vendor_data2", {{"b", 1.5}}},
      {"dedicated_cpus", {3, 1, 3}},
      {"reservation_id", "r-1"},
      {"security_groups", json::array({"default"})},
      {"ec2_ids", {{"instance_id", "i-1"}, {"ami_id", "ami-1"}, {"kernel_id", "aki-1"}, {"ramdisk_id", "ari-1"}}},
      {"device_metadata", json::parse(R"({"devices": [{"type": "disk", "serial": "s"}]})")},
      {"network_info", json::parse(R"([{"id": "p1"}])")},
  });
  CHECK(spec.uuid.text() == kUuid);
  CHECK(spec.name == "web 1");
  CHECK(spec.image_ref->text() == kImage);
  CHECK(spec.checksum->text() == "sha256:" + std::string(64, 'a'));
  CHECK(spec.os_type == "linux");
  CHECK(spec.flavor.root_gb == 4);
  CHECK(spec.flavor.ephemeral_gb == 1);
  CHECK(spec.flavor.swap_mb == 256);
  CHECK(spec.flavor.memory_mb == 2048);
  CHECK(spec.flavor.vcpus == 2);
  CHECK(spec.flavor.name == "m1");
  CHECK(spec.key_type == "x509");
  CHECK(spec.launch_index == 3);
  CHECK(spec.vendor_data == R"({"a":"\u00e4"})");
  CHECK(spec.vendor_data2 == R"({"b":1.5})");
  CHECK(spec.dedicated_cpus == std::set<unsigned>{1, 3});
  CHECK(spec.reservation_id == "r-1");
  CHECK(spec.security_groups == std::vector<std::string>{"default"});
  CHECK(spec.ec2_ids.instance_id == "i-1");
  CHECK(spec.ec2_ids.ami_id == "ami-1");
  CHECK(spec.ec2_ids.kernel_id == "aki-1");
  CHECK(spec.ec2_ids.ramdisk_id == "ari-1");
  CHECK(spec.devices.at(0).serial == "s");
  CHECK(spec.network_info.at(0).id == "p1");
  CHECK(spec.libvirt_xml == "<domain/>");
  CHECK(spec.block_device_info.root_device_name == "/dev/vda");
  REQUIRE(spec.block_device_info.ephemerals.size() == 2);
  CHECK(spec.block_device_info.ephemerals[0].size_gb == 1);
  CHECK(spec.block_device_info.ephemerals[0].device_name == "/dev/vdb");
  CHECK(spec.block_device_info.ephemerals[0].guest_format == "ext4");
  CHECK(spec.block_device_info.ephemerals[1].device_name.empty());
  CHECK_FALSE(spec.block_device_info.ephemerals[1].guest_format.has_value());
  CHECK(spec.block_device_info.swap->device_name == "/dev/vdd");
  CHECK(spec.block_device_info.swap->swap_mb == 512);
  CHECK(spec.block_device_info.volumes.at(0).mount_device == "/dev/vde");
  CHECK(spec.images_type == ImagesType::raw);
  CHECK(spec.suffix == ".rescue");
  CHECK(spec.config_drive);
  CHECK(spec.metadata == std::map<std::string, std::string>{{"role", "web"}});
  CHECK(spec.user_data == "#!/bin/sh\n");
  CHECK(spec.injected_files.at(0).path == "/etc/motd");
  CHECK(spec.injected_files.at(0).contents == "hello");
  CHECK(spec.admin_pass == "secret");
  CHECK(spec.key_name == "mine");
  CHECK(spec.key_data == "ssh-ed25519 AAAA me\n");
  CHECK(spec.network_data == R"({"links":[]})");
  CHECK(spec.availability_zone == "az1");
  CHECK(spec.project_id == "p1");
  CHECK(spec.hostname == "web-1");
}

TEST_CASE("a request needs a uuid and nothing else, and null is as good as nothing") {
  json request = {{"uuid", kUuid}};
  for (const char* field : {"name",
                            "image_ref",
                            "checksum",
                            "os_type",
                            "flavor",
                            "block_device_info",
                            "images_type",
                            "suffix",
                            "config_drive",
                            "metadata",
                            "user_data",
                            "injected_files",
                            "admin_pass",
                            "key_name",
                            "key_data",
                            "network_data",
                            "availability_zone",
                            "project_id",
                            "hostname",
                            "libvirt_xml"}) {
    request[field] = nullptr;
  }
  for (const json& given : {json{{"uuid", kUuid}}, request}) {
    const InstanceSpec spec = InstanceSpec::make(given);
    CHECK_FALSE(spec.image_ref.has_value());
    CHECK_FALSE(spec.images_type.has_value());
    CHECK_FALSE(spec.block_device_info.swap.has_value());
    CHECK_FALSE(spec.config_drive);
    CHECK(spec.flavor.root_gb == 0);
    CHECK(spec.flavor.memory_mb == 512);
    CHECK(spec.flavor.vcpus == 1);
    CHECK(spec.libvirt_xml.empty());
    CHECK(spec.user_data.empty());
    CHECK(spec.network_data.empty());
  }
}

TEST_CASE("a request that is no object, or has no uuid, is refused") {
  check_refused(json::array(), {"", json::array(), "the request", "must be a JSON object"});
  check_refused(json("text"), {"", "text", "the request", "must be a JSON object"});
  check_refused(json::object(), {"", json::object(), "uuid", "is missing"});
}

TEST_CASE("texts of the wrong kind or shape are refused by their field's name") {
  check_refused({
      {"/uuid", 7, "uuid", "must be a string"},
      {"/uuid", "", "uuid", "is not a UUID"},
      {"/uuid", "../../etc", "uuid", "is not a UUID"},
      {"/uuid", "4E3F6D0C-5D3A-4B0E-9A53-2F6D1C7B8A90", "uuid", "lower case"},
      {"/uuid", kUuid + "/..", "uuid", "is not a UUID"},
      {"/uuid", std::string(5000, 'a'), "uuid", "at most 4096"},
      {"/name", json::array(), "name", "must be a string"},
      {"/name", "a\nb", "name", "control characters"},
      {"/name", std::string(256, 'a'), "name", "more than 255"},
      {"/image_ref", 1, "image_ref", "must be a string"},
      {"/image_ref", "cirros", "image_ref", "neither the UUID"},
      {"/image_ref", "", "image_ref", "is empty"},
      {"/checksum", "abc", "checksum", "ALGORITHM:HEX"},
      {"/checksum", "crc32:00000000", "checksum", "ALGORITHM:HEX"},
      {"/checksum", "sha256:12", "checksum", "ALGORITHM:HEX"},
      {"/os_type", "li\x07nux", "os_type", "control characters"},
      {"/images_type", "rbd", "images_type", "none of 'raw', 'qcow2' and 'lvm'"},
      {"/images_type", "", "images_type", "none of 'raw', 'qcow2' and 'lvm'"},
      {"/ephemeral_key_uuid", "../key", "ephemeral_key_uuid", "is not a UUID"},
      {"/kernel_id", "vmlinuz", "kernel_id", "neither the UUID"},
      {"/ramdisk_id", 7, "ramdisk_id", "must be a string"},
      {"/suffix", "/../x", "suffix", "neither '' nor '.rescue'"},
      {"/suffix", ".resize", "suffix", "neither '' nor '.rescue'"},
      {"/config_drive", "true", "config_drive", "true or false"},
      {"/config_drive", 1, "config_drive", "true or false"},
  });
}

TEST_CASE("the guest's texts are refused by their field's name") {
  check_refused({
      {"/metadata", json::array(), "metadata", "must be a JSON object"},
      {"/metadata", {{"role", 1}}, "metadata.role", "must be a string"},
      {"/metadata", {{"role", std::string(256, 'a')}}, "metadata.role", "at most 255"},
      {"/metadata", {{std::string(256, 'a'), "x"}}, "metadata", "a name of more than 255"},
      {"/user_data", "not base64!", "user_data", "is not base64"},
      {"/user_data", std::string(65536, 'A'), "user_data", "at most 65535"},
      {"/user_data", json::object(), "user_data", "must be a string"},
      {"/admin_pass", "a\tb", "admin_pass", "control characters"},
      {"/key_name", "a\x7f", "key_name", "control characters"},
      {"/key_data", 1, "key_data", "must be a string"},
      {"/key_data", std::string(16 * 1024 + 1, 'a'), "key_data", "at most 16384"},
      {"/network_data", "{}", "network_data", "must be a JSON object"},
      {"/availability_zone", false, "availability_zone", "must be a string"},
      {"/project_id", "a\r", "project_id", "control characters"},
      {"/hostname", "a\nb", "hostname", "control characters"},
      {"/hostname", std::string(256, 'a'), "hostname", "more than 255"},
      {"/libvirt_xml", "<network/>", "libvirt_xml", "root element 'network'"},
      {"/libvirt_xml", std::string(256 * 1024 + 1, ' '), "libvirt_xml", "at most 262144"},
  });
}

TEST_CASE("sizes that are no sizes are refused by their field's name") {
  check_refused({
      {"/flavor", 1, "flavor", "must be a JSON object"},
      {"/flavor/root_gb", -1, "flavor.root_gb", "from 0 to 524288"},
      {"/flavor/memory_mb", 0, "flavor.memory_mb", "must be at least 1"},
      {"/flavor/memory_mb", 67108865, "flavor.memory_mb", "from 0 to 67108864"},
      {"/flavor/vcpus", 0, "flavor.vcpus", "must be at least 1"},
      {"/flavor/root_gb", 1.5, "flavor.root_gb", "whole number"},
      {"/flavor/root_gb", "1", "flavor.root_gb", "whole number"},
      {"/flavor/root_gb", 524289, "flavor.root_gb", "not '524289'"},
      {"/flavor/root_gb", 18446744073709551615U, "flavor.root_gb", "from 0 to 524288"},
      {"/flavor/ephemeral_gb", 524289, "flavor.ephemeral_gb", "from 0 to 524288"},
      {"/flavor/swap", 536870913, "flavor.swap", "from 0 to 536870912"},
      {"/flavor/swap_mb", 1, "flavor.swap_mb", "not a known field"},
  });
  json request = bare_request();
  request["flavor"] = {{"root_gb", 524288}, {"ephemeral_gb", 524288}, {"swap", 536870912}};
  CHECK_NOTHROW(InstanceSpec::make(request));
}

TEST_CASE("block devices are refused by their whole path") {
  const std::string root = "/block_device_info";
  check_refused({
      {root, json::array(), "block_device_info", "must be a JSON object"},
      {root + "/root_device_name", "/dev/../sda", "block_device_info.root_device_name", "is not a device name"},
      {root + "/root_device_name", "/dev/", "block_device_info.root_device_name", "is not a device name"},
      {root + "/root_device_name", "VDA", "block_device_info.root_device_name", "is not a device name"},
      {root + "/root_device_name", std::string(65, 'a'), "block_device_info.root_device_name", "more than 64"},
      {root + "/ephemerals", 1, "block_device_info.ephemerals", "must be a list"},
      {root + "/ephemerals", {1}, "block_device_info.ephemerals[0]", "must be a JSON object"},
      {root + "/ephemerals", {{{"size", 1}}, json::object()}, "block_device_info.ephemerals[1].size", "at least 1"},
      {root + "/ephemerals", {{{"size", 0}}}, "block_device_info.ephemerals[0].size", "at least 1"},
      {root + "/ephemerals", {{{"size", 524289}}}, "block_device_info.ephemerals[0].size", "from 0 to"},
      {root + "/ephemerals",
       {{{"size", 1}, {"guest_format", "btrfs"}}},
       "block_device_info.ephemerals[0].guest_format",
       "ext2, ext3, ext4, xfs, vfat, ntfs"},
      {root + "/ephemerals",
       {{{"size", 1}, {"device_name", "a b"}}},
       "block_device_info.ephemerals[0].device_name",
       "is not a device name"},
      {root + "/ephemerals", list_of(65, {{"size", 1}}), "block_device_info.ephemerals", "has 65 items, at most 64"},
      {root + "/swap", 512, "block_device_info.swap", "must be a JSON object"},
      {root + "/swap/swap_size", -1, "block_device_info.swap.swap_size", "from 0 to"},
      {root + "/swap/size", 1, "block_device_info.swap.size", "not a known field"},
      {root + "/block_device_mapping", json::object(), "block_device_info.block_device_mapping", "must be a list"},
      {root + "/block_device_mapping", json::array({json::object()}),
       "block_device_info.block_device_mapping[0].mount_device", "is missing"},
      {root + "/block_device_mapping", json::array({json{{"mount_device", "/dev/vda"}, {"boot_index", -2}}}),
       "block_device_info.block_device_mapping[0].boot_index", "from -1 to 64"},
      {root + "/block_device_mapping", json::array({json{{"mount_device", "/dev/vda"}, {"volume_id", "x"}}}),
       "block_device_info.block_device_mapping[0].volume_id", "not a known field"},
      {root + "/block_device_mapping", list_of(65, {{"mount_device", "vda"}}), "block_device_info.block_device_mapping",
       "has 65 items"},
  });
}

TEST_CASE("injected files are refused by their whole path") {
  const std::string at = "/injected_files";
  check_refused({
      {at, "x", "injected_files", "must be a list"},
      {at, {{{"contents", ""}}}, "injected_files[0].path", "is missing"},
      {at, {{{"path", "etc/motd"}}}, "injected_files[0].path", "is not an absolute path"},
      {at, {{{"path", ""}}}, "injected_files[0].path", "is not an absolute path"},
      {at, {{{"path", "/etc/\nmotd"}}}, "injected_files[0].path", "is not an absolute path"},
      {at, {{{"path", "/a"}, {"contents", "%"}}}, "injected_files[0].contents", "is not base64"},
      {at, {{{"path", "/a"}, {"mode", 1}}}, "injected_files[0].mode", "not a known field"},
      {at, list_of(65, {{"path", "/a"}}), "injected_files", "has 65 items, at most 64"},
  });
}

TEST_CASE("a checksum without an image is refused") {
  const json request = {{"uuid", kUuid}, {"checksum", "md5:" + std::string(32, '0')}};
  check_refused(request, {"", request, "checksum", "no image_ref"});
}

TEST_CASE("an unknown field is refused with the nearest known one as a hint") {
  json request = bare_request();
  request["image_reff"] = "x";
  try {
    InstanceSpec::make(request);
    FAIL("was taken");
  } catch (const Error& error) {
    CHECK(error.message() == "image_reff is not a known field");
    CHECK(error.hint() == "did you mean 'image_ref'?");
  }
}

TEST_CASE("at most 256 items of metadata are taken") {
  json request = bare_request();
  for (int i = 0; i < 256; ++i) request["metadata"]["key" + std::to_string(i)] = "x";
  CHECK(InstanceSpec::make(request).metadata.size() == 256);
  request["metadata"]["one more"] = "x";
  check_refused(request, {"", nullptr, "metadata", "more than 256 items"});
}

TEST_CASE("a refused password isn't repeated in the message") {
  json request = bare_request();
  request["admin_pass"] = "hidden\n";
  try {
    InstanceSpec::make(request);
    FAIL("was taken");
  } catch (const Error& error) {
    CHECK(error.message().find("hidden") == std::string::npos);
  }
}

TEST_CASE("kernel and ramdisk are image refs, and empty ones are none") {
  json request = bare_request();
  request["kernel_id"] = kImage;
  request["ramdisk_id"] = "";
  const InstanceSpec spec = InstanceSpec::make(request);
  CHECK(spec.kernel_id->text() == kImage);
  CHECK_FALSE(spec.ramdisk_id.has_value());
}

TEST_CASE("an ephemeral disk may be asked for as swap") {
  json request = bare_request();
  request["block_device_info"]["ephemerals"] = {{{"size", 1}, {"guest_format", "swap"}}};
  CHECK(InstanceSpec::make(request).block_device_info.ephemerals.at(0).guest_format == "swap");
}

TEST_CASE("what is to be removed by its suffix has one") {
  CHECK(parse_suffix(".rescue", false) == ".rescue");
  CHECK(parse_suffix("", true).empty());
  for (const char* text : {"", ".resize", ".rescue/..", "rescue"}) CHECK_THROWS_AS(parse_suffix(text, false), Error);
}

TEST_CASE("what a guest is told has limits") {
  const std::string large(256 * 1024, 'x');
  check_refused({
      {"/key_type", "dsa", "key_type", "neither 'ssh' nor 'x509'"},
      {"/launch_index", -1, "launch_index", "whole number from 0 to 1000000"},
      {"/vendor_data", json::array(), "vendor_data", "must be a JSON object"},
      {"/vendor_data", {{"a", large}}, "vendor_data", "at most 262144 are allowed"},
      {"/vendor_data2", {{"a", large}}, "vendor_data2", "at most 262144 are allowed"},
      {"/network_data", {{"a", large}}, "network_data", "at most 262144 are allowed"},
      {"/dedicated_cpus", json::array({1, -1}), "dedicated_cpus[1]", "whole number from 0 to 4095"},
      {"/dedicated_cpus", json::array({4096}), "dedicated_cpus[0]", "whole number from 0 to 4095"},
      {"/dedicated_cpus", "1", "dedicated_cpus", "must be a list"},
      {"/reservation_id", "a\nb", "reservation_id", "control characters"},
      {"/security_groups", json::parse(R"([{"name": "default"}])"), "security_groups[0]", "must be a string"},
      {"/security_groups", list_of(257, "g"), "security_groups", "at most 256"},
      {"/security_groups", json::array({std::string(256, 'g')}), "security_groups[0]", "more than 255 characters"},
      {"/ec2_ids", {{"ami", "ami-1"}}, "ec2_ids.ami", "not a known field"},
      {"/flavor", {{"name", 1}}, "flavor.name", "must be a string"},
      {"/network_info", json::parse(R"([{"id": 1}])"), "network_info[0].id", "must be a string"},
      {"/device_metadata", json::parse(R"({"devices": [{"type": "x"}]})"), "device_metadata.devices[0].type",
       "neither"},
  });
}

TEST_CASE("names are limited by characters, and what nobody reads of a network isn't") {
  std::string long_name;
  for (int i = 0; i < 255; ++i) long_name += "\xe4\xb8\xad";
  json request = {{"uuid", "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90"},
                  {"name", long_name},
                  {"key_name", long_name},
                  {"security_groups", {long_name}}};
  request["network_info"] = {{{"id", "p"}, {"network", {{"id", "n"}, {"label", long_name + long_name}}}}};
  CHECK(InstanceSpec::make(request).name == long_name);
  request["name"] = long_name + "n";
  CHECK_THROWS_WITH_AS(InstanceSpec::make(request), "name has more than 255 characters", Error);
}

TEST_CASE("an empty object that is handed on is none, and one with a number beyond 64 bits is refused") {
  json request = {{"uuid", "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90"}};
  for (const char* name : {"network_data", "vendor_data", "vendor_data2"}) {
    CAPTURE(name);
    request[name] = json::object();
    CHECK_NOTHROW((void)InstanceSpec::make(request));
    request[name] = json::parse(R"({"largest": 18446744073709551615, "a": -1.5})");
    CHECK_NOTHROW((void)InstanceSpec::make(request));
    request[name] = json::parse(R"({"a": [{"b": 18446744073709551616}]})");
    CHECK_THROWS_WITH_AS(InstanceSpec::make(request), doctest::Contains("beyond 64 bits"), Error);
    request[name] = json::object();
  }
  const InstanceSpec spec = InstanceSpec::make(request);
  CHECK((spec.network_data + spec.vendor_data + spec.vendor_data2).empty());
}
