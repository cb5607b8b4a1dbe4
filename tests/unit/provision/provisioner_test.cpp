#include "agent/provision/provisioner.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <nlohmann/json.hpp>
#include <span>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/provision/disk_formats.hpp"
#include "agent/provision/instances.hpp"
#include "tests/unit/provision/provision_node.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::provision;

TEST_CASE("a new instance appears as a whole, its disks recorded in disk.info") {
  ProvisionNode node;
  node.qcow2.before_end = [&] { CHECK_FALSE(boost::filesystem::exists(node.layout.instance_directory(kUuid))); };
  const InstanceDisks made = node.create();
  CHECK(node.seen() == kOneInstance);
  CHECK(names_in(node.layout.instance_directory(kUuid)) ==
        std::vector<std::string>{"console.log", "disk", "disk.config", "disk.info", "disk.local", "disk.swap",
                                 "image_meta.json", "libvirt.xml"});
  REQUIRE(made.disks.size() == 4);
  CHECK(made.disks[0].name == "disk");
  CHECK(made.disks[0].how == "built");
  CHECK(made.disks[0].size == gibibytes(4));
  CHECK(made.disks[3].how == "made");
  const auto info = nlohmann::json::parse(read_file(node.layout.instance_directory(kUuid) / "disk.info"));
  CHECK(info.at((node.layout.instance_directory(kUuid) / "disk").native()) == "qcow2");
  CHECK(info.at((node.layout.instance_directory(kUuid) / "disk.config").native()) == "raw");
}

TEST_CASE("a second creation keeps and grows what is there and makes what is missing") {
  ProvisionNode node;
  node.create({{"flavor", {{"root_gb", 4}}}});
  write_file(node.layout.instance_directory(kUuid) / "disk", "written by the guest");
  const InstanceDisks made = node.create();
  CHECK(made.disks[0].how == "kept");
  CHECK(node.qcow2.grown == 1);
  CHECK(read_file(node.layout.instance_directory(kUuid) / "disk") == "written by the guest");
  CHECK(made.disks[1].name == "disk.local");
  CHECK(made.disks[1].how == "built");
  CHECK(node.seen() == kOneInstance);
}

TEST_CASE("how a disk is to be read and written is what its backend says, when it is made, kept and shown") {
  ProvisionNode node;
  node.qcow2.io = DiskIo::native;
  CHECK(node.create().disks[0].io == DiskIo::native);
  const InstanceDisks kept = node.create();
  CHECK(kept.disks[0].io == DiskIo::native);
  CHECK(kept.disks[3].io == DiskIo::automatic);  // the config drive is no backend's
  OpContext op = test_operation();
  CHECK(node.instances.show(model::InstanceId::parse(kUuid, "uuid"), op).disks[0].io == DiskIo::native);
}

TEST_CASE("a config drive is of the configured format, and stays what it is when that changes") {
  ProvisionNode node;
  model::PlanDefaults vfat;
  vfat.config_drive_format = model::DriveFormat::vfat;
  Provisioner of_vfat(node.images, node.backends, vfat, false);
  CHECK(node.create(nlohmann::json::object(), of_vfat).disks[3].format == "vfat");
  for (const bool refresh : {false, true}) {
    const InstanceDisk drive = node.create({{"refresh_config_drive", refresh}}).disks[3];
    CHECK(drive.format == "vfat");
    CHECK(drive.size == mebibytes(64));
    CHECK(drive.how == (refresh ? "made" : "kept"));
  }
  OpContext op = test_operation();
  const InstanceDisks shown = node.instances.show(model::InstanceId::parse(kUuid, "uuid"), op);
  const auto drive = std::ranges::find(shown.disks, "disk.config", &InstanceDisk::name);
  REQUIRE(drive != shown.disks.end());
  CHECK(drive->format == "vfat");
}

TEST_CASE("a config drive is made anew on request, and whoever has the old one open keeps it") {
  ProvisionNode node;
  node.create();
  const Path file = node.layout.instance_directory(kUuid) / "disk.config";
  write_file(file, "the old one");
  const UniqueFd opened = open_file(file, O_RDONLY);
  CHECK(node.create().disks[3].how == "kept");
  CHECK(read_file(file) == "the old one");
  const InstanceDisk drive = node.create({{"refresh_config_drive", true}}).disks[3];
  CHECK(drive.how == "made");
  CHECK(drive.size == Bytes{5});
  CHECK(read_file(file) == "drive");
  std::string old(11, '\0');
  CHECK(read_at(opened.get(), std::as_writable_bytes(std::span(old)), 0, file) == old.size());
  CHECK(old == "the old one");
  CHECK(node.seen() == kOneInstance);
}

TEST_CASE("a request that fails leaves the config drive that it would have made anew") {
  ProvisionNode node;
  node.create({{"flavor", {{"root_gb", 4}}}});
  const Path file = node.layout.instance_directory(kUuid) / "disk.config";
  write_file(file, "the old one");
  node.drive.fails = true;
  CHECK_THROWS_AS(node.create({{"refresh_config_drive", true}}), Error);
  CHECK(read_file(file) == "the old one");
}

TEST_CASE("a disk stays with the backend that made it, whatever images_type is asked for now") {
  ProvisionNode node;
  node.create({{"images_type", "raw"}});
  node.create({{"images_type", "qcow2"}});
  CHECK(node.raw.grown == 3);
  CHECK(node.qcow2.grown == 0);
}

TEST_CASE("a failed creation leaves no instance, and the next one succeeds") {
  ProvisionNode node;
  node.qcow2.fails_on = "disk.swap";
  try {
    node.create();
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.message() ==
          "cannot create the disks of instance " + kUuid + ": disk 'disk.swap': the fake disk is full");
  }
  CHECK(node.seen() == kEmptyNode);
  CHECK(names_in(node.layout.instance_lock_directory()).empty());
  node.qcow2.fails_on.clear();
  CHECK(node.create().disks.size() == 4);
}

TEST_CASE("a failed addition leaves the instance as it was") {
  ProvisionNode node;
  node.create({{"flavor", {{"root_gb", 4}}}, {"config_drive", false}});
  const auto before = names_in(node.layout.instance_directory(kUuid));
  node.qcow2.fails_on = "disk.swap";
  CHECK_THROWS_AS(node.create(), Error);
  CHECK(names_in(node.layout.instance_directory(kUuid)) == before);
}

TEST_CASE("a creation that is cancelled before its end leaves nothing") {
  ProvisionNode node;
  node.qcow2.before_end = [&] { node.stop.request_stop(); };
  CHECK_THROWS_AS(node.create(), Cancelled);
  CHECK(node.seen() == kEmptyNode);
}

TEST_CASE("what a dead creation left is swept by the next one") {
  ProvisionNode node;
  make_directories(node.layout.staged_instance_directory(kUuid));
  write_file(node.layout.staged_instance_directory(kUuid) / "disk", "half");
  node.create();
  CHECK(node.seen() == kOneInstance);
  CHECK(read_file(node.layout.instance_directory(kUuid) / "disk") != "half");
}

TEST_CASE("a disk whose format nobody recorded is neither guessed nor replaced") {
  ProvisionNode node;
  make_directories(node.layout.instance_directory(kUuid));
  write_file(node.layout.instance_directory(kUuid) / "disk", "whose?");
  try {
    node.create();
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::already_exists);
    CHECK_FALSE(error.hint().empty());
  }
  CHECK(read_file(node.layout.instance_directory(kUuid) / "disk") == "whose?");
}

TEST_CASE("a directory that Nova or libvirt made before is filled") {
  ProvisionNode node;
  make_directories(node.layout.instance_directory(kUuid));
  write_file(node.layout.instance_directory(kUuid) / "console.log", "");
  node.create();
  CHECK(names_in(node.layout.instance_directory(kUuid)).size() == 8);
}

TEST_CASE("an instance is shown by its disk.info and removed as a whole") {
  ProvisionNode node;
  node.create();
  OpContext op = test_operation();
  const auto uuid = model::InstanceId::parse(kUuid, "uuid");
  const InstanceDisks shown = node.instances.show(uuid, op);
  REQUIRE(shown.disks.size() == 4);
  CHECK(shown.disks[0].format == "qcow2");
  CHECK(shown.disks[1].format == "iso9660");
  node.instances.remove(uuid, op);
  CHECK(node.seen() == kEmptyNode);
  CHECK(names_in(node.layout.instance_lock_directory()).empty());
  CHECK_THROWS_AS(node.instances.show(uuid, op), Error);
  CHECK_THROWS_AS(node.instances.remove(uuid, op), Error);
  CHECK(names_in(node.layout.instance_lock_directory()).empty());
}

TEST_CASE("a directory whose disk.info can't be understood is left as it was") {
  ProvisionNode node;
  const Path directory = node.layout.instance_directory(kUuid);
  boost::filesystem::create_directory(directory);
  write_file(directory / "disk.info", "{");
  CHECK_THROWS_AS(node.create(), Error);
  CHECK(node.seen() == kOneInstance);
}

TEST_CASE("a disk.info that a power cut left empty says nothing, and the next creation writes it anew") {
  ProvisionNode node;
  const Path directory = node.layout.instance_directory(kUuid);
  boost::filesystem::create_directory(directory);
  write_file(directory / "disk.info", "");
  node.create();
  CHECK(DiskFormats::read(directory).format_of(directory / "disk") == model::DiskFormat::qcow2);
}

TEST_CASE("the base files of an instance are leased until its disks stand in their place") {
  ProvisionNode node;
  std::size_t leases = 0;
  node.qcow2.before_end = [&] { leases = node.images.find(model::key_of(model::BaseFileSpec(image_base())))->leases; };
  node.create();
  CHECK(leases == 1);
  CHECK(node.images.find(model::key_of(model::BaseFileSpec(image_base())))->leases == 0);
}

TEST_CASE("kernel and ramdisk are raw files beside disks of another backend") {
  ProvisionNode node;
  const InstanceDisks made =
      node.create({{"kernel_id", "http://registry.example/kernel"}, {"ramdisk_id", "http://registry.example/ramdisk"}});
  REQUIRE(made.disks.size() == 6);
  CHECK(made.disks[0].name == "kernel");
  CHECK(made.disks[0].format == "raw");
  CHECK(made.disks[0].size == Bytes{5});  // never resized
  CHECK(made.disks[1].name == "ramdisk");
  CHECK(made.disks[2].format == "qcow2");
  const Path directory = node.layout.instance_directory(kUuid);
  CHECK(DiskFormats::read(directory).format_of(directory / "kernel") == model::DiskFormat::raw);
}

TEST_CASE("a rescue's disks come and go beside the instance's own") {
  ProvisionNode node;
  node.create();
  const Path directory = node.layout.instance_directory(kUuid);
  write_file(directory / "disk", "written by the guest");
  const auto before = names_in(directory);
  const auto records = read_file(directory / "disk.info");
  const InstanceDisks rescue = node.create({{"suffix", ".rescue"}, {"kernel_id", "http://registry.example/kernel"}});
  REQUIRE(rescue.disks.size() == 3);
  CHECK(rescue.disks[1].size == Bytes{5});  // the image's, not the flavor's
  OpContext op = test_operation();
  const auto uuid = model::InstanceId::parse(kUuid, "uuid");
  CHECK(node.instances.remove_suffixed(uuid, ".rescue", op) ==
        std::vector<std::string>{"disk.config.rescue", "disk.rescue", "kernel.rescue"});
  CHECK(names_in(directory) == before);
  CHECK(read_file(directory / "disk.info") == records);
  CHECK(read_file(directory / "disk") == "written by the guest");
  CHECK_THROWS_AS((void)node.instances.remove_suffixed(uuid, ".rescue", op), Error);
}

TEST_CASE("a removal of a rescue that was cut off is completed by the next") {
  ProvisionNode node;
  node.create({{"config_drive", false}});
  node.create({{"suffix", ".rescue"}, {"config_drive", false}});
  remove_file(node.layout.instance_directory(kUuid) / "disk.rescue");
  OpContext op = test_operation();
  const auto uuid = model::InstanceId::parse(kUuid, "uuid");
  CHECK(node.instances.remove_suffixed(uuid, ".rescue", op).empty());
  CHECK(read_file(node.layout.instance_directory(kUuid) / "disk.info").find(".rescue") == std::string::npos);
}

TEST_CASE("what else ends with the suffix is removed as what it is, a directory not at all") {
  ProvisionNode node;
  node.create();
  const Path directory = node.layout.instance_directory(kUuid);
  write_file(node.scratch / "elsewhere", "another's");
  boost::filesystem::create_symlink(node.scratch / "elsewhere", directory / "disk.rescue");
  boost::filesystem::create_directory(directory / "notes.rescue");
  OpContext op = test_operation();
  CHECK(node.instances.remove_suffixed(model::InstanceId::parse(kUuid, "uuid"), ".rescue", op) ==
        std::vector<std::string>{"disk.rescue"});
  CHECK(read_file(node.scratch / "elsewhere") == "another's");
  CHECK(boost::filesystem::is_directory(directory / "notes.rescue"));
}

namespace {

const nlohmann::json kInjected = {{"config_drive", false}, {"key_data", "ssh-rsa K"}};

}  // namespace

TEST_CASE("files are injected into the new root disk alone, at its staged place") {
  ProvisionNode node;
  node.create(kInjected);
  CHECK(node.injector.disks == std::vector<std::string>{"disk"});
  REQUIRE(node.injector.injections.size() == 1);
  CHECK(node.injector.injections[0].partition == injection::kInspect);
  node.create(kInjected);  // all of it is kept
  CHECK(node.injector.disks.size() == 1);
}

TEST_CASE("a config drive goes before injection") {
  ProvisionNode node;
  node.create({{"key_data", "ssh-rsa K"}});
  CHECK(node.injector.disks.empty());
}

TEST_CASE("a rescue's root disk is injected into too") {
  ProvisionNode node;
  node.create({{"config_drive", false}});
  CHECK(node.injector.disks.empty());
  nlohmann::json rescue = kInjected;
  rescue["suffix"] = ".rescue";
  node.create(rescue);
  CHECK(node.injector.disks == std::vector<std::string>{"disk.rescue"});
}

TEST_CASE("a root disk that can't be injected into leaves nothing") {
  ProvisionNode node;
  node.injector.fails = true;
  CHECK_THROWS_AS(node.create(kInjected), Error);
  CHECK(node.seen() == kEmptyNode);
}

TEST_CASE("what an instance keeps of its image is whole, or isn't there") {
  ProvisionNode node;
  const Path directory = node.layout.instance_directory(kUuid);
  CHECK_FALSE(InstanceImage::read(directory));
  node.create();
  const auto kept = InstanceImage::read(directory);
  REQUIRE(kept);
  CHECK(kept->ref == "http://registry.example/image");
  CHECK(kept->system_metadata.at("image_min_disk") == "4");
  for (const char* torn : {"", "{", "[]", R"({"ref": "x"})", R"({"ref": 1, "system_metadata": {}})",
                           R"({"ref": "x", "system_metadata": {}, "block_devices": []})"}) {
    write_file(directory / "image_meta.json", torn);
    CHECK_FALSE(InstanceImage::read(directory));
  }
  write_file(directory / "image_meta.json", std::string((1 << 20) + 1, ' '));
  CHECK_FALSE(InstanceImage::read(directory));
  OpContext op = test_operation(node.stop.get_token());
  CHECK_FALSE(node.instances.show(model::InstanceId::parse(kUuid, "uuid"), op).image);
}

TEST_CASE("a property that was corrected at the source is heard of before the image is refused again") {
  ProvisionNode node;
  node.source.properties = {{"hw_disk_bus", "nvme"}};
  OpContext op = test_operation(node.stop.get_token());
  node.images.acquire(image_base(), op);
  CHECK_THROWS_AS(node.create({{"image_ref", image_base().ref.text()}}), Error);
  node.source.properties = {{"hw_disk_bus", "scsi"}};
  node.create({{"image_ref", image_base().ref.text()}});
  CHECK(node.images.remembered(image_base().ref)->properties == node.source.properties);
  CHECK(node.source.fetches == 1);
}

TEST_CASE("an image that is refused for its properties is neither fetched nor kept") {
  ProvisionNode node;
  const nlohmann::json wrong = {{"image_meta", {{"properties", {{"hw_disk_bus", "nvme"}}}}}};
  CHECK_THROWS_AS(node.create(wrong), Error);
  CHECK_THROWS_AS(node.create({{"image_meta", {{"min_disk", 5}}}}), Error);
  CHECK_THROWS_AS(node.create({{"image_meta", {{"min_ram", 513}}}}), Error);
  CHECK(node.source.fetches == 0);
  CHECK(node.seen() == kEmptyNode);
  node.create({{"image_meta", {{"min_ram", 512}, {"min_disk", 4}}}});
  CHECK(node.source.fetches == 1);
  node.create(wrong);  // the disk is there, and so is what was kept
}

TEST_CASE("what was kept of the image and got lost is had from the base file's record, and kept again") {
  ProvisionNode node;
  node.create();
  const Path file = node.layout.instance_directory(kUuid) / "image_meta.json";
  const std::string kept = read_file(file);
  remove_file(file);
  node.create();
  CHECK(read_file(file) == kept);
  write_file(file, "{");
  node.create();
  CHECK(read_file(file) == kept);
}

namespace {

nlohmann::json with_property(const char* name, const nlohmann::json& value) {
  return {{"image_meta", {{"properties", {{name, value}}}}}};
}

// But for the request that stands in it.
std::string domain_in(const ProvisionNode& node, const std::string& suffix = "") {
  const std::string text = read_file(node.layout.instance_directory(kUuid) / ("libvirt.xml" + suffix));
  return text.substr(text.find("</metadata>"));
}

}  // namespace

TEST_CASE("an image can't put the root disk where a volume stands, nor move a root volume") {
  ProvisionNode node;
  nlohmann::json request = with_property("root_device_name", "/dev/vdb");
  request["block_device_info"] = {{"block_device_mapping", {{{"mount_device", "/dev/vdb"}, {"boot_index", -1}}}}};
  CHECK(node.create(request).disks.at(0).name == "disk");
  ProvisionNode other;
  request = with_property("root_device_name", "/dev/sda");
  request["image_ref"] = nullptr;
  request["block_device_info"] = {{"block_device_mapping", {{{"mount_device", "/dev/vda"}}}}};
  CHECK(other.create(request).disks.at(0).name == "disk.local");
}

TEST_CASE("a root device that only the image's mappings told stays") {
  ProvisionNode node;
  node.create(with_property("mappings", nlohmann::json::parse(R"([{"virtual": "root", "device": "/dev/sda"}])")));
  const std::string first = domain_in(node);
  CHECK(first.find("sda") != std::string::npos);
  node.create();
  CHECK(domain_in(node) == first);
}

TEST_CASE("a config drive that is there stays in the domain, and a rescue of its instance has one") {
  ProvisionNode node;
  node.create();
  const std::string first = domain_in(node);
  CHECK(node.create({{"config_drive", false}}).disks.back().name == "disk.config");
  CHECK(domain_in(node) == first);
  CHECK(node.create({{"config_drive", false}, {"suffix", ".rescue"}}).disks.back().name == "disk.config.rescue");
}

TEST_CASE("a config drive is forced on instances that are being made alone") {
  ProvisionNode node;
  model::PlanDefaults forced;
  forced.force_config_drive = true;
  Provisioner forcing(node.images, node.backends, forced, false);
  node.create({{"config_drive", false}});
  CHECK(node.create({{"config_drive", false}}, forcing).disks.back().name == "disk.swap");
  CHECK(node.create({{"config_drive", false}, {"suffix", ".rescue"}}, forcing).disks.back().name == "disk.rescue");
  ProvisionNode other;
  Provisioner of_other(other.images, other.backends, forced, false);
  CHECK(other.create({{"config_drive", false}}, of_other).disks.back().name == "disk.config");
}

TEST_CASE("of a rescue's image only the buses count") {
  ProvisionNode node;
  node.create({{"config_drive", false}});
  nlohmann::json rescue = {{"config_drive", false}, {"suffix", ".rescue"}};
  rescue["image_meta"]["properties"] = {{"img_config_drive", "mandatory"},
                                        {"hw_disk_bus", "scsi"},
                                        {"root_device_name", "/dev/vdc"},
                                        {"kernel_id", "7a1f4d5e-1111-4222-8333-444455556666"}};
  const InstanceDisks made = node.create(rescue);
  CHECK(made.disks.size() == 1);
  CHECK(domain_in(node, ".rescue").find("sda") != std::string::npos);
}
