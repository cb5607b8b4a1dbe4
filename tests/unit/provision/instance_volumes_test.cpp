#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/base/file_lock.hpp"
#include "agent/layout/state_files.hpp"
#include "agent/provision/left_volumes.hpp"
#include "tests/unit/provision/provision_node.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::provision;

namespace {

const nlohmann::json kOnLvm{{"images_type", "lvm"}};
const std::vector<std::string> kVolumes{kUuid + "_disk", kUuid + "_disk.local", kUuid + "_disk.swap"};

model::InstanceId uuid() { return model::InstanceId::parse(kUuid, "uuid"); }

// What a creation that was killed leaves.
void leave_staged(ProvisionNode& node, const std::string& disk) {
  write_file(node.volumes.directory() / (kUuid + "_" + disk + ".staged"), "half");
}

}  // namespace

TEST_CASE("disks on LVM are volumes, and everything else a file") {
  ProvisionNode node;
  nlohmann::json request = kOnLvm;
  request["kernel_id"] = "http://registry.example/kernel";
  const InstanceDisks made = node.create(request);
  CHECK(node.volume_names() == kVolumes);
  CHECK(names_in(node.layout.instance_directory(kUuid)) == std::vector<std::string>{"console.log", "disk.config",
                                                                                    "disk.info", "image_meta.json",
                                                                                    "kernel", "libvirt.xml"});
  REQUIRE(made.disks.size() == 5);
  CHECK(made.disks[1].path == node.volumes.directory() / kVolumes[0]);
  CHECK(made.disks[1].format == "raw");
  CHECK(made.disks[1].how == "built");
}

TEST_CASE("an instance whose only disks are volumes has a directory") {
  ProvisionNode node;
  node.create({{"images_type", "lvm"}, {"config_drive", false}});
  CHECK(node.seen() == kOneInstance);
}

TEST_CASE("volumes stay volumes and files stay files, whatever images_type is asked for now") {
  ProvisionNode node;
  node.create(kOnLvm);
  CHECK(node.create({{"images_type", "qcow2"}}).disks[0].how == "kept");
  CHECK(node.lvm.grown == 3);
  ProvisionNode with_files;
  with_files.create({{"images_type", "qcow2"}});
  CHECK(with_files.create(kOnLvm).disks[0].how == "kept");
  CHECK(with_files.volume_names().empty());
}

TEST_CASE("a creation that fails takes its volumes with it") {
  ProvisionNode node;
  node.lvm.fails_on = "disk.swap";
  CHECK_THROWS_AS(node.create(kOnLvm), Error);
  CHECK(node.volume_names().empty());
  CHECK(node.seen() == kEmptyNode);
  node.lvm.fails_on.clear();
  CHECK(node.create(kOnLvm).disks.size() == 4);
}

TEST_CASE("a creation that fails while its volumes appear takes those that have appeared") {
  ProvisionNode node;
  node.volumes.publish_fails_on = "disk.swap";
  CHECK_THROWS_AS(node.create(kOnLvm), Error);
  CHECK(node.volume_names().empty());
  CHECK(node.seen() == kEmptyNode);
}

TEST_CASE("a failed addition leaves the volumes that were there") {
  ProvisionNode node;
  node.create({{"images_type", "lvm"}, {"flavor", {{"root_gb", 4}}}});
  node.lvm.fails_on = "disk.swap";
  CHECK_THROWS_AS(node.create(kOnLvm), Error);
  CHECK(node.volume_names() == std::vector<std::string>{kVolumes[0]});
}

TEST_CASE("a cancelled creation removes its volumes all the same") {
  ProvisionNode node;
  node.lvm.before_end = [&] { node.stop.request_stop(); };
  CHECK_THROWS_AS(node.create(kOnLvm), Cancelled);
  CHECK(node.volume_names().empty());
}

TEST_CASE("volumes that a dead creation left are removed by the next one, and kept when they were whole") {
  ProvisionNode node;
  leave_staged(node, "disk.old");
  write_file(node.volumes.directory() / kVolumes[0], "whole");
  const InstanceDisks made = node.create(kOnLvm);
  CHECK(made.disks[0].how == "kept");
  CHECK(node.volume_names() == kVolumes);
  CHECK(read_file(node.volumes.directory() / kVolumes[0]) == "whole");
}

TEST_CASE("an instance is shown with its volumes and removed with them") {
  ProvisionNode node;
  node.create(kOnLvm);
  leave_staged(node, "disk.eph0");
  OpContext op = test_operation();
  const InstanceDisks shown = node.instances.show(uuid(), op);
  REQUIRE(shown.disks.size() == 4);  // what is staged isn't shown
  CHECK(shown.disks[0].name == "disk.config");
  CHECK(shown.disks[1].path == node.volumes.directory() / kVolumes[0]);
  node.instances.remove(uuid(), op);
  CHECK(node.volume_names().empty());
  CHECK(node.seen() == kEmptyNode);
}

TEST_CASE("volumes without a directory are an instance") {
  ProvisionNode node;
  write_file(node.volumes.directory() / kVolumes[0], "whole");
  OpContext op = test_operation();
  CHECK(node.instances.show(uuid(), op).disks.size() == 1);
  node.instances.remove(uuid(), op);
  CHECK(node.volume_names().empty());
  CHECK_THROWS_AS(node.instances.remove(uuid(), op), Error);
  CHECK(names_in(node.layout.instance_lock_directory()).empty());
}

TEST_CASE("nothing of an instance is removed while a guest has its root volume open") {
  ProvisionNode node;
  node.create(kOnLvm);
  node.volumes.in_use = "disk";
  OpContext op = test_operation();
  CHECK_THROWS_AS(node.instances.remove(uuid(), op), Error);
  CHECK(node.volume_names() == kVolumes);
  CHECK(node.seen() == kOneInstance);
}

TEST_CASE("where the volumes can't be known, nothing is made, shown or removed") {
  ProvisionNode node;
  node.create();
  node.volumes.listing_fails = true;
  OpContext op = test_operation();
  CHECK_THROWS_AS(node.create(), Error);
  CHECK_THROWS_AS((void)node.instances.show(uuid(), op), Error);
  CHECK_THROWS_AS(node.instances.remove(uuid(), op), Error);
  CHECK(node.seen() == kOneInstance);
}

TEST_CASE("the volumes of a rescue go by themselves") {
  ProvisionNode node;
  node.create(kOnLvm);
  node.create({{"images_type", "lvm"}, {"suffix", ".rescue"}});
  OpContext op = test_operation();
  CHECK(node.instances.remove_suffixed(uuid(), ".rescue", op) ==
        std::vector<std::string>{"disk.config.rescue", "disk.rescue"});
  CHECK(node.volume_names() == kVolumes);
}

TEST_CASE("left volumes are removed, but those of an instance that somebody works on") {
  ProvisionNode node;
  const OpContext op = test_operation();
  leave_staged(node, "disk");
  {
    FileLock file(layout::instance_lock_file(node.layout, kUuid));
    const ExclusiveLock lock(file);
    CHECK(remove_left_volumes(node.volumes, node.layout, op).empty());
  }
  CHECK(remove_left_volumes(node.volumes, node.layout, op).size() == 1);
  CHECK(node.volume_names().empty());
  CHECK(names_in(node.layout.instance_lock_directory()).empty());
}

TEST_CASE("a left volume that can't be removed now doesn't keep others from it") {
  ProvisionNode node;
  leave_staged(node, "disk");
  leave_staged(node, "disk.swap");
  node.volumes.in_use = "disk";
  CHECK(remove_left_volumes(node.volumes, node.layout, test_operation()).size() == 1);
  CHECK(node.volume_names() == std::vector<std::string>{kUuid + "_disk.staged"});
}
