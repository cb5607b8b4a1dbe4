#include "agent/domain/domain_request.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "agent/base/error.hpp"
#include "agent/domain/metadata_namespaces.hpp"

using namespace basecache;
using namespace basecache::domain;
using nlohmann::json;

namespace {

const std::string kUuid = "9a2d629d-0000-4000-8000-000000000001";
const std::string kNova = "http://openstack.org/xmlns/libvirt/nova/1.1";
const std::string kImage = "70a599e0-31e7-49b7-b260-868f441e862b";
const std::string kRoot = R"(<nova:root type="image" uuid=")" + kImage + R"("/>)";

std::string domain_with(const std::string& metadata, const std::string& devices = "") {
  return "<domain type='qemu'><name>web01</name><uuid>" + kUuid + "</uuid><metadata>" + metadata +
         "</metadata><devices>" + devices + "</devices></domain>";
}

std::string ours(const std::string& text) {
  return domain_with("<basecache:instance xmlns:basecache=\"" + std::string(kInstanceNamespace) + "\">" + text +
                     "</basecache:instance>");
}

std::string file_disk(const std::string& name, const std::string& device, const std::string& format = "qcow2") {
  return "<disk type='file' device='disk'><driver name='qemu' type='" + format + "'/><source file='/i/" + kUuid + "/" +
         name + "'/><target dev='" + device + "' bus='virtio'/></disk>";
}

std::string nova(const std::string& root, const std::string& devices, const std::string& name_space = kNova) {
  return domain_with("<nova:instance xmlns:nova=\"" + name_space + R"("><nova:package version="26.2.2"/>
      <nova:name>shop</nova:name><nova:flavor name="m1.small"><nova:memory>2048</nova:memory><nova:disk>20</nova:disk>
      <nova:swap>512</nova:swap><nova:ephemeral>3</nova:ephemeral><nova:vcpus>2</nova:vcpus></nova:flavor>)" +
                         root + "</nova:instance>",
                     devices);
}

json request_of(const std::string& xml) {
  const DomainRequest told = domain_request(xml);
  REQUIRE(told.request.has_value());
  return json::parse(*told.request);
}

std::string complaint_about(const std::string& xml) {
  try {
    (void)domain_request(xml);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    return error.message() + " " + error.hint();
  }
  return "";
}

}  // namespace

TEST_CASE("a domain of ours asks for what its metadata holds, as the instance of its uuid") {
  const DomainRequest told = domain_request(ours(R"({"image_ref": "file:///a&amp;b", "flavor": {"root_gb": 2}})"));
  CHECK(told.origin == DomainOrigin::ours);
  CHECK(told.uuid == kUuid);
  CHECK(told.name == "web01");
  CHECK(json::parse(*told.request) ==
        json({{"uuid", kUuid}, {"image_ref", "file:///a&b"}, {"flavor", {{"root_gb", 2}}}}));
}

TEST_CASE("its request may be in CDATA, in several parts, and may name its own uuid") {
  CHECK(request_of(ours(R"({<!-- a --><![CDATA["image_ref":]]> "x<![CDATA[<]]>"})"))["image_ref"] == "x<");
  CHECK(request_of(ours(R"({"uuid": ")" + kUuid + "\"}"))["uuid"] == kUuid);
}

TEST_CASE("an empty element is kept by us, and nothing is to be made") {
  for (const char* text : {"", "  \n\t "}) {
    const DomainRequest told = domain_request(ours(text));
    CHECK(told.origin == DomainOrigin::ours);
    CHECK_FALSE(told.request.has_value());
  }
}

TEST_CASE("a request that can't be one is refused, without its words") {
  CHECK(complaint_about(ours(R"({"admin_pass": "topsecret")")).find("topsecret") == std::string::npos);
  CHECK(complaint_about(ours(R"({"admin_pass": "topsecret")")).find("is not JSON") != std::string::npos);
  CHECK(complaint_about(ours("[1]")).find("isn't a JSON object") != std::string::npos);
  CHECK(complaint_about(ours(R"({"uuid": "9a2d629d-0000-4000-8000-000000000002"})")).find("another instance") !=
        std::string::npos);
}

TEST_CASE("the namespace tells whose an element is, not its prefix") {
  const std::string named = std::string(kInstanceNamespace);
  CHECK(domain_request(domain_with("<x:instance xmlns:x='" + named + "'/>")).origin == DomainOrigin::ours);
  CHECK(domain_request(domain_with("<instance xmlns='" + named + "'/>")).origin == DomainOrigin::ours);
  CHECK(domain_request(domain_with("<basecache:instance xmlns:basecache='https://else.example'/>")).origin ==
        DomainOrigin::foreign);
  CHECK(domain_request(domain_with("<basecache:instance/>")).origin == DomainOrigin::foreign);
  CHECK(domain_request(domain_with("<x:other xmlns:x='" + named + "'/>")).origin == DomainOrigin::foreign);
  CHECK(domain_request(domain_with("<a:a xmlns:a='u'><x:instance xmlns:x='" + named + "'/></a:a>")).origin ==
        DomainOrigin::foreign);
}

TEST_CASE("somebody else's domain is nobody's here, with or without a uuid") {
  CHECK(domain_request("<domain/>").origin == DomainOrigin::foreign);
  CHECK(domain_request(domain_with("")).origin == DomainOrigin::foreign);
  CHECK_FALSE(may_be_ours(domain_with("<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/2.0'/>")));
  CHECK(may_be_ours(ours("")));
  CHECK(may_be_ours(nova("", "")));
}

TEST_CASE("an instance of Nova's asks for its root image in its flavor") {
  for (const std::string& name_space : {kNova, std::string("http://openstack.org/xmlns/libvirt/nova/1.0")}) {
    const std::string xml = nova(kRoot, file_disk("disk", "vda"), name_space);
    CHECK(may_be_ours(xml));
    CHECK(domain_request(xml).origin == DomainOrigin::nova);
    CHECK(request_of(xml) ==
          json({{"uuid", kUuid},
                {"name", "shop"},
                {"image_ref", kImage},
                {"images_type", "qcow2"},
                {"flavor", {{"root_gb", 20}, {"memory_mb", 2048}, {"vcpus", 2}, {"name", "m1.small"}}},
                {"block_device_info", {{"root_device_name", "/dev/vda"}}}}));
  }
}

TEST_CASE("ephemeral disks and swap are asked for where the domain has them") {
  const json local = request_of(
      nova(kRoot, file_disk("disk", "vda") + file_disk("disk.local", "vdb") + file_disk("disk.swap", "vdc")));
  CHECK(local["flavor"]["ephemeral_gb"] == 3);
  CHECK(local["block_device_info"]["swap"] == json({{"device_name", "/dev/vdc"}, {"swap_size", 512}}));
  CHECK_FALSE(local["block_device_info"].contains("ephemerals"));
  const json mapped = request_of(nova(kRoot, file_disk("disk", "vda") + file_disk("disk.eph0", "vdb")));
  CHECK_FALSE(mapped["flavor"].contains("ephemeral_gb"));
  CHECK(mapped["block_device_info"]["ephemerals"] == json::array({{{"size", 3}, {"device_name", "/dev/vdb"}}}));
}

TEST_CASE("what the description of an instance of Nova's doesn't tell is left out, and said so") {
  const std::string xml = nova(kRoot, file_disk("disk", "vda") + file_disk("disk.eph0", "vdb") +
                                          file_disk("disk.eph1", "vdc") + file_disk("disk.config", "hda", "raw"));
  CHECK_FALSE(request_of(xml)["block_device_info"].contains("ephemerals"));
  CHECK(domain_request(xml).left_out.size() == 2);
}

TEST_CASE("images_type is what the root disk is") {
  CHECK(request_of(nova(kRoot, file_disk("disk", "vda", "raw")))["images_type"] == "raw");
  const std::string volume = "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/vg/" +
                             kUuid + "_disk'/><target dev='vda'/></disk><disk type='block'><source dev='/dev/vg/" +
                             kUuid + "_disk.swap'/><target dev='vdb'/></disk>";
  CHECK(request_of(nova(kRoot, volume))["images_type"] == "lvm");
  CHECK(request_of(nova(kRoot, volume))["block_device_info"]["swap"]["swap_size"] == 512);
}

TEST_CASE("nothing is made for an instance of Nova's without an image, or whose disks are elsewhere") {
  CHECK_FALSE(domain_request(nova("", file_disk("disk", "vda"))).request.has_value());
  const std::string network = "<disk type='network'><source protocol='rbd' name='vms/" + kUuid + "_disk'/></disk>";
  CHECK_FALSE(domain_request(nova(kRoot, network)).request.has_value());
  CHECK(domain_request(nova(kRoot, network)).origin == DomainOrigin::nova);
}

TEST_CASE("ours goes before Nova's") {
  std::string xml = nova(kRoot, file_disk("disk", "vda"));
  xml.insert(xml.find("<metadata>") + 10, "<b:instance xmlns:b='" + std::string(kInstanceNamespace) + "'/>");
  CHECK(domain_request(xml).origin == DomainOrigin::ours);
}

TEST_CASE("what isn't the description of a domain, or says nothing of use, is refused in words") {
  for (const std::string& xml :
       {std::string(), std::string("\0\0", 2), std::string("<domain>"), std::string("<network/>"),
        std::string("<a><b></a></b>"), std::string("<!DOCTYPE d [<!ENTITY"), std::string("text")}) {
    CAPTURE(xml);
    CHECK(complaint_about(xml).starts_with("the domain's description isn't"));
  }
  std::string without_uuid = ours("");
  without_uuid.replace(without_uuid.find(kUuid), kUuid.size(), "../../etc");
  CHECK(complaint_about(without_uuid).find("has no uuid") != std::string::npos);
  std::string nonsense = nova(kRoot, file_disk("disk", "vda"));
  nonsense.replace(nonsense.find("20<"), 2, "-1");
  CHECK(complaint_about(nonsense).find("<nova:disk>") != std::string::npos);
}

TEST_CASE("entities of a description's own are not expanded") {
  const std::string xml = "<!DOCTYPE domain [<!ENTITY a 'aaaa'><!ENTITY f SYSTEM 'file:///etc/hostname'>]>" +
                          ours(R"({"image_ref": "&a;&f;"})");
  CHECK(request_of(xml)["image_ref"] == "&a;&f;");
}

TEST_CASE("whatever is done to a description, it is understood or refused") {
  std::mt19937 random(20);  // NOLINT: the same bytes each time
  const std::string valid[] = {ours(R"({"image_ref": "x", "flavor": {"root_gb": 1}})"),
                               nova(kRoot, file_disk("disk", "vda") + file_disk("disk.eph0", "vdb"))};
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string xml = valid[round % 2];
    for (unsigned change = 0; change <= random() % 4; ++change) {
      const std::size_t at = random() % xml.size();
      const std::size_t length = random() % 40;
      switch (random() % 3) {
        case 0:
          xml[at] = static_cast<char>(random() % 256);
          break;
        case 1:
          xml.erase(at, length);
          break;
        default:
          xml.insert(random() % xml.size(), xml.substr(at, length));
      }
      if (xml.empty()) xml = "<";
    }
    refused += complaint_about(xml).empty() ? 0 : 1;
  }
  CHECK(refused > 100);
  CHECK(refused < 4000);
}

TEST_CASE("deep and long descriptions are no burden") {
  std::string deep;
  for (int i = 0; i < 200000; ++i) deep += "<a>";
  CHECK_FALSE(complaint_about(deep).empty());
  CHECK_FALSE(complaint_about(domain_with(deep)).empty());
  std::string long_one;
  for (int i = 0; i < 40000; ++i) long_one += file_disk("other" + std::to_string(i), "vdx");
  CHECK(domain_request(nova(kRoot, file_disk("disk", "vda") + long_one)).request.has_value());
}

TEST_CASE("a domain with two requests says nothing that could be done") {
  const std::string element = "<i xmlns=\"" + std::string(kInstanceNamespace) + "\"/>";
  const std::string two = "<instance xmlns=\"" + std::string(kInstanceNamespace) + "\"/>";
  CHECK(complaint_about(domain_with(two + element)).empty());
  CHECK(complaint_about(domain_with(two + two)).find("more than one") != std::string::npos);
}
