#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/provision/provisioner.hpp"
#include "tests/unit/provision/provision_node.hpp"

using namespace basecache;
using namespace basecache::test;

TEST_CASE("a disk that has grown beyond its request is refused, and kept for a start of its domain") {
  ProvisionNode node;
  node.create();
  node.qcow2.standing = gibibytes(9);
  CHECK_THROWS_WITH(node.create(), doctest::Contains("less is asked for"));
  OpContext op = test_operation();
  const auto spec = model::InstanceSpec::make({{"uuid", kUuid},
                                               {"image_ref", "http://registry.example/image"},
                                               {"flavor", {{"root_gb", 4}}},
                                               {"block_device_info", {{"root_device_name", "/dev/vda"}}}});
  const InstanceDisks kept = node.provisioner.create(spec, op, CreationFor::start);
  CHECK(kept.disks.at(0).how == "kept");
  CHECK(kept.disks.at(0).size == gibibytes(9));
  REQUIRE(op.notes().size() == 1);
  CHECK(op.notes().front() == "disk 'disk' stays as large as it is: less is asked for than there is");
}
