#include "agent/model/network_model.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::model;
using nlohmann::json;

namespace {

// As NetworkInfo.json() of Nova 26.2.2 writes it.
json nova_vif() {
  return json::parse(R"({
    "id": "p1", "address": "fa:16:3e:00:00:01", "type": "ovs", "devname": "tapp1", "vnic_type": "normal",
    "ovs_interfaceid": "p1", "qbh_params": null, "qbg_params": null, "active": true, "preserve_on_delete": false,
    "delegate_create": true, "profile": {"trusted": "true"}, "meta": {},
    "details": {"port_filter": true, "vlan": 7, "bridge_name": "br-int"},
    "network": {"id": "n1", "bridge": "br-int", "label": "private",
      "meta": {"injected": true, "tenant_id": "t", "mtu": 1450, "physical_network": null, "tunneled": true},
      "subnets": [{"cidr": "10.0.0.0/24", "version": 4,
        "gateway": {"address": "10.0.0.1", "type": "gateway", "version": 4, "meta": {}},
        "dns": [{"address": "8.8.8.8", "type": "dns", "version": 4, "meta": {}}],
        "ips": [{"address": "10.0.0.5", "type": "fixed", "version": 4, "meta": {},
          "floating_ips": [{"address": "192.0.2.9", "type": "floating", "version": 4, "meta": {}}]}],
        "routes": [{"cidr": "192.168.0.0/16", "interface": null, "meta": {},
          "gateway": {"address": "10.0.0.2", "type": "gateway", "version": 4, "meta": {}}}],
        "meta": {"dhcp_server": "10.0.0.3", "enable_dhcp": true, "ipv6_address_mode": null}}]}})");
}

std::vector<Vif> read(const json& list) {
  const json request = {{"network_info", list}};
  JsonFields fields(request, "");
  return read_vifs(fields, "network_info");
}

// What is said of nova_vif() with `value` at `at`.
std::string refusal(const std::string& at, const json& value) {
  json vif = nova_vif();
  vif[json::json_pointer(at)] = value;
  try {
    read(json::array({vif}));
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.fields().at(0).first == "field");
    return error.message();
  }
  return "taken";
}

const std::string kSubnet = "/network/subnets/0";
const std::string kSubnetPath = "network_info[0].network.subnets[0]";

}  // namespace

TEST_CASE("Nova's network model is read as Nova writes it") {
  const std::vector<Vif> vifs = read(json::array({nova_vif()}));
  REQUIRE(vifs.size() == 1);
  const Vif& vif = vifs.front();
  CHECK(vif.id == "p1");
  CHECK(vif.address == "fa:16:3e:00:00:01");
  CHECK(vif.type == "ovs");
  CHECK(vif.devname == "tapp1");
  CHECK(vif.network.id == "n1");
  CHECK(vif.network.injected);
  CHECK(vif.network.mtu == 1450);
  REQUIRE(vif.network.subnets.size() == 1);
  const Subnet& subnet = vif.network.subnets.front();
  CHECK(subnet.cidr.network() == "10.0.0.0");
  CHECK(subnet.gateway == "10.0.0.1");
  CHECK(subnet.dns == std::vector<std::string>{"8.8.8.8"});
  CHECK(subnet.ips.at(0).address == "10.0.0.5");
  CHECK(subnet.ips.at(0).version == 4);
  CHECK(subnet.ips.at(0).floating_ips == std::vector<std::string>{"192.0.2.9"});
  CHECK(subnet.routes.at(0).destination.netmask() == "255.255.0.0");
  CHECK(subnet.routes.at(0).gateway == "10.0.0.2");
  CHECK(subnet.dhcp_server == "10.0.0.3");
  CHECK_FALSE(subnet.ipv6_address_mode.has_value());
}

TEST_CASE("most of a port may be left out") {
  CHECK(read(nullptr).empty());
  CHECK(read(json::array()).empty());
  const std::vector<Vif> vifs = read(json::parse(R"([{"id": "p1"}, {"id": "p2", "network": null},
    {"id": "p3", "address": null, "network": {"id": "n", "subnets": [
      {"cidr": "10.0.0.0/24", "gateway": null}, {"cidr": "2001:db8::/64", "gateway": {"address": null}}]}}])"));
  REQUIRE(vifs.size() == 3);
  CHECK_FALSE(vifs[0].address.has_value());
  CHECK(vifs[0].network.subnets.empty());
  CHECK(vifs[1].network.subnets.empty());
  const Network& network = vifs[2].network;
  CHECK_FALSE(network.injected);
  CHECK_FALSE(network.mtu.has_value());
  CHECK(network.subnets.at(0).gateway.empty());
  CHECK(network.subnets.at(1).gateway.empty());
  CHECK_FALSE(network.subnets.at(0).dhcp_server.has_value());
}

TEST_CASE("what is wrong in a network model is named by its place") {
  struct Row {
    std::string at;
    json value;
    std::string message;
  };
  const json extra = {{"address", "2001:db8::5"}};
  const Row rows[] = {
      {"/id", nullptr, "network_info[0].id is missing"},
      {"/adress", "x", "network_info[0].adress is not a known field"},
      {"/network/cidr", "x", "network_info[0].network.cidr is not a known field"},
      {"/network/meta/mtu", -1, "network_info[0].network.meta.mtu must be a whole number"},
      {"/network/meta/injected", "yes", "network_info[0].network.meta.injected must be true or false"},
      {"/details", 1, "network_info[0].details must be a JSON object"},
      {"/active", 1, "network_info[0].active must be true or false"},
      {"/devname", "a\nb", "network_info[0].devname has control characters in it"},
      {kSubnet + "/cidr", "10.0.0.0/33", kSubnetPath + ".cidr '10.0.0.0/33' is not a network like"},
      {kSubnet + "/cidr", nullptr, kSubnetPath + ".cidr is missing"},
      {kSubnet + "/version", 6, kSubnetPath + ".version says 6 of what is IPv4"},
      {kSubnet + "/ips/0/address", "web", kSubnetPath + ".ips[0].address 'web' is not an IP address"},
      {kSubnet + "/ips/0/address", nullptr, kSubnetPath + ".ips[0].address '' is not an IP address"},
      {kSubnet + "/ips/0/version", 6, kSubnetPath + ".ips[0].version says 6 of what is IPv4"},
      {kSubnet + "/ips/1", extra, kSubnetPath + " has '2001:db8::5' in it, and is of IPv4"},
      {kSubnet + "/dns/0/address", nullptr, kSubnetPath + ".dns[0].address is missing"},
      {kSubnet + "/gateway/address", "1", kSubnetPath + ".gateway.address '1' is not an IP address"},
      {kSubnet + "/routes/0/gateway", nullptr, kSubnetPath + ".routes[0].gateway.address is missing"},
      {kSubnet + "/routes/0/cidr", "x", kSubnetPath + ".routes[0].cidr 'x' is not a network"},
      {kSubnet + "/ips", json(65, json::object()), kSubnetPath + ".ips has 65 items, at most 64 are allowed"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.at);
    const std::string said = refusal(row.at, row.value);
    CAPTURE(said);
    CHECK(said.starts_with(row.message));
  }
  CHECK_THROWS_AS(read(json(65, nova_vif())), Error);
  CHECK_THROWS_AS(read(json::object()), Error);
}
