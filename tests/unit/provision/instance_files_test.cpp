#include "agent/provision/instance_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "agent/domain/domain_request.hpp"
#include "tests/unit/provision/provision_node.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

struct FilesNode : ProvisionNode {
  Path file(const std::string& name) const { return layout.instance_directory(kUuid) / name; }

  // "vda disk qcow2", one for each disk.
  std::vector<std::string> devices(const std::string& name = "libvirt.xml") const {
    pugi::xml_document document;
    REQUIRE(document.load_string(read_file(file(name)).c_str()));
    std::vector<std::string> words;
    for (const pugi::xml_node disk : document.child("domain").child("devices").children("disk")) {
      const pugi::xml_node stands = disk.child("source");
      const Path path = std::string(stands.attribute("file").value()) + stands.attribute("dev").value();
      words.push_back(std::string(disk.child("target").attribute("dev").value()) + " " + path.filename().native() +
                      " " + disk.child("driver").attribute("type").value());
    }
    return words;
  }
};

unsigned mode_of(const Path& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

const std::vector<std::string> kAll{"vda disk qcow2", "vdb disk.local qcow2", "vdc disk.swap qcow2",
                                    "hda disk.config raw"};

}  // namespace

TEST_CASE("an instance comes with a console.log, and a domain of its disks") {
  FilesNode node;
  node.create();
  CHECK(read_file(node.file("console.log")).empty());
  CHECK(node.devices() == kAll);
}

TEST_CASE("all that is new has the configured mode") {
  FilesNode node;
  InstanceFileSettings settings;
  settings.mode = 0640;
  Provisioner provisioner(node.images, node.backends, {}, false, InstanceFiles(settings));
  OpContext op = test_operation();
  provisioner.create(model::InstanceSpec::make(
                         {{"uuid", kUuid}, {"image_ref", "http://registry.example/image"}, {"config_drive", true}}),
                     op);
  for (const std::string name : {"disk", "disk.config", "console.log", "libvirt.xml"}) {
    CAPTURE(name);
    CHECK(mode_of(node.file(name)) == 0640);
  }
}

TEST_CASE("a config drive that is made anew has the configured mode too") {
  FilesNode node;
  node.create();
  InstanceFileSettings settings;
  settings.mode = 0640;
  Provisioner provisioner(node.images, node.backends, {}, true, InstanceFiles(settings));
  OpContext op = test_operation();
  provisioner.create(model::InstanceSpec::make({{"uuid", kUuid},
                                                {"image_ref", "http://registry.example/image"},
                                                {"config_drive", true},
                                                {"refresh_config_drive", true}}),
                     op);
  CHECK(mode_of(node.file("disk.config")) == 0640);
  CHECK(mode_of(node.file("disk")) == 0600);
}

TEST_CASE("a config drive of format vfat is a disk of the domain") {
  FilesNode node;
  model::PlanDefaults defaults;
  defaults.config_drive_format = model::DriveFormat::vfat;
  Provisioner of_vfat(node.images, node.backends, defaults, false, InstanceFiles());
  node.create({{"flavor", {{"root_gb", 4}}}}, of_vfat);
  CHECK(node.devices() == std::vector<std::string>{"vda disk qcow2", "vdb disk.config raw"});
  CHECK(read_file(node.file("libvirt.xml")).find("cdrom") == std::string::npos);
}

TEST_CASE("a console.log that is there is not touched") {
  FilesNode node;
  node.create();
  write_file(node.file("console.log"), "booting");
  node.create();
  CHECK(read_file(node.file("console.log")) == "booting");
}

TEST_CASE("the domain follows the instance, until it is somebody's own") {
  FilesNode node;
  node.create({{"flavor", {{"root_gb", 4}}}, {"config_drive", false}});
  CHECK(node.devices() == std::vector<std::string>{"vda disk qcow2"});
  node.create();
  CHECK(node.devices() == kAll);
  write_file(node.file("libvirt.xml"), "<domain type='kvm'/>");
  node.create({{"config_drive", false}});
  CHECK(read_file(node.file("libvirt.xml")) == "<domain type='kvm'/>");
  node.create({{"libvirt_xml", "<domain type='qemu'/>"}});
  CHECK(read_file(node.file("libvirt.xml")) == "<domain type='qemu'/>");
}

TEST_CASE("a failed creation leaves the domain as it was") {
  FilesNode node;
  node.create({{"flavor", {{"root_gb", 4}}}});
  const std::string before = read_file(node.file("libvirt.xml"));
  node.qcow2.fails_on = "disk.swap";
  CHECK_THROWS_AS(node.create(), Error);
  CHECK(read_file(node.file("libvirt.xml")) == before);
}

TEST_CASE("a rescue's domain has the instance's own disk behind its own") {
  FilesNode node;
  node.create();
  const std::string before = read_file(node.file("libvirt.xml"));
  node.create({{"suffix", ".rescue"}, {"images_type", "raw"}});
  CHECK(node.devices("libvirt.xml.rescue") ==
        std::vector<std::string>{"vda disk.rescue raw", "vdb disk qcow2", "hda disk.config.rescue raw"});
  CHECK(read_file(node.file("libvirt.xml")) == before);
}

TEST_CASE("a rescue finds the instance's own disk on LVM") {
  FilesNode node;
  node.create({{"images_type", "lvm"}});
  CHECK(node.devices().front() == "vda " + kUuid + "_disk raw");
  node.create({{"suffix", ".rescue"}});
  CHECK(node.devices("libvirt.xml.rescue")[1] == "vdb " + kUuid + "_disk raw");
}

TEST_CASE("where the instance's own disk isn't known, a rescue's domain says so") {
  FilesNode node;
  node.create({{"suffix", ".rescue"}, {"config_drive", false}});
  CHECK(node.devices("libvirt.xml.rescue") == std::vector<std::string>{"vda disk.rescue qcow2"});
  CHECK(read_file(node.file("libvirt.xml.rescue")).find("vdb: the instance's own root disk") != std::string::npos);
  CHECK(names_in(node.layout.instance_directory(kUuid)) ==
        std::vector<std::string>{"disk.info", "disk.rescue", "image_meta.json.rescue", "libvirt.xml.rescue"});
}

TEST_CASE("the planned domain is the one that a creation leaves, whatever stands there") {
  for (const std::string standing : {"", "<domain type='kvm'/>"}) {
    for (const nlohmann::json& more :
         {nlohmann::json{{"user_data", "eA=="}}, nlohmann::json{{"libvirt_xml", "<domain type='qemu'/>"}},
          nlohmann::json{{"name", "web"}}}) {
      CAPTURE(standing);
      CAPTURE(more.dump());
      FilesNode node;
      node.create({{"user_data", "eA=="}});
      if (!standing.empty()) write_file(node.file("libvirt.xml"), standing);
      nlohmann::json request{{"uuid", kUuid}, {"image_ref", "http://registry.example/image"}, {"config_drive", true}};
      request.update(more);
      OpContext op = test_operation();
      const auto spec = model::InstanceSpec::make(request);
      const std::string planned = node.provisioner.domain(spec, op);
      node.provisioner.create(spec, op);
      CHECK(read_file(node.file("libvirt.xml")) == planned);
    }
  }
}

TEST_CASE("a request that is too long to be kept is told of, and the domain can be read and made anew") {
  FilesNode node;
  nlohmann::json network;
  for (std::size_t i = 0; i < 30; ++i) network["links"][i] = std::string(8000, '&');
  const auto request_kept = [&] {
    return domain::domain_request(node.instances.domain(model::InstanceId::parse(kUuid, "uuid"), "", test_operation()))
        .request;
  };
  node.create({{"network_data", network}});  // long, but escaped a mebibyte
  CHECK(request_kept().has_value());
  node.create({{"vendor_data", nullptr}, {"metadata", {{"a", "b"}}}});
  CHECK(request_kept()->find("&&&") != std::string::npos);  // and the later one was put over it
  network["links"][30] = std::string(8000, 'x');
  network["links"][31] = std::string(8000, 'x');
  const std::string listed(250, 'x');
  nlohmann::json metadata;
  for (int i = 0; i < 99; ++i) metadata[std::to_string(i)] = listed;
  node.create({{"network_data", network}, {"metadata", metadata}});
  CHECK_FALSE(request_kept().has_value());
  CHECK(read_file(node.file("libvirt.xml")).find("<!-- the request by which it was made: ") != std::string::npos);
}

TEST_CASE("a domain in another encoding isn't shown as what it isn't") {
  FilesNode node;
  node.create();
  const auto uuid = model::InstanceId::parse(kUuid, "uuid");
  write_file(node.file("libvirt.xml"),
             "<?xml version='1.0' encoding='iso-8859-1'?><domain><title>\xe4</title></domain>");
  CHECK_THROWS_WITH((void)node.instances.domain(uuid, "", test_operation()),
                    doctest::Contains("libvirt.xml' isn't UTF-8"));
}
