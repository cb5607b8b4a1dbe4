#include "tests/unit/provision/provision_node.hpp"

#include <nlohmann/json.hpp>

namespace basecache::test {

InstanceDisks ProvisionNode::create(const nlohmann::json& more) { return create(more, provisioner); }

InstanceDisks ProvisionNode::create(const nlohmann::json& more, Provisioner& by) {
  nlohmann::json request = {{"uuid", kUuid},
                            {"image_ref", "http://registry.example/image"},
                            {"os_type", "linux"},
                            {"flavor", {{"root_gb", 4}, {"ephemeral_gb", 1}, {"swap", 256}}},
                            {"config_drive", true}};
  request.update(more);
  OpContext op = test_operation(stop.get_token());
  return by.create(model::InstanceSpec::make(request), op);
}

InstanceDisks ProvisionNode::create() { return create(nlohmann::json::object()); }

}  // namespace basecache::test
