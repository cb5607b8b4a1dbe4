#include "agent/metadata/network_json.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace basecache;
using namespace basecache::metadata;
using nlohmann::json;

namespace {

json subnet_v4() {
  return json::parse(R"({"cidr": "10.0.0.0/24", "gateway": {"address": "10.0.0.1"}, "dns": [{"address": "8.8.8.8"}],
    "ips": [{"address": "10.0.0.5"}, {"address": "10.0.0.6"}]})");
}

json subnet_v6() {
  return json::parse(
      R"({"cidr": "2001:db8::/64", "gateway": {"address": "2001:db8::1"}, "ips": [{"address": "2001:db8::5"}]})");
}

json vif_on(const std::vector<json>& subnets) {
  return {{"id", "p1"}, {"address", "fa:16:3e:00:00:01"}, {"network", {{"id", "n1"}, {"subnets", subnets}}}};
}

json told(const std::vector<json>& vifs) {
  const json request = {{"network_info", vifs}};
  model::JsonFields fields(request, "");
  return network_json(model::read_vifs(fields, "network_info"));
}

// The only network of a port on that subnet.
json network_on(json subnet, const json& meta) {
  subnet["meta"] = meta;
  return told({vif_on({subnet})}).at("networks").at(0);
}

}  // namespace

TEST_CASE("a port with static addresses of both versions has a link and two networks") {
  CHECK(told({vif_on({subnet_v4(), subnet_v6()})}) == json::parse(R"({
    "links": [{"id": "interface0", "vif_id": "p1", "type": "phy", "mtu": null, "ethernet_mac_address": "fa:16:3e:00:00:01"}],
    "networks": [
      {"id": "network0", "type": "ipv4", "link": "interface0", "network_id": "n1", "ip_address": "10.0.0.5",
       "netmask": "255.255.255.0", "services": [{"type": "dns", "address": "8.8.8.8"}],
       "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.0.0.1"}]},
      {"id": "network1", "type": "ipv6", "link": "interface0", "network_id": "n1", "ip_address": "2001:db8::5",
       "netmask": "ffff:ffff:ffff:ffff::", "services": [],
       "routes": [{"network": "::", "netmask": "::", "gateway": "2001:db8::1"}]}],
    "services": [{"type": "dns", "address": "8.8.8.8"}]})"));
}

TEST_CASE("how an address is given is told in the type") {
  const json dhcp = {{"dhcp_server", "10.0.0.2"}};
  CHECK(network_on(subnet_v4(), dhcp) ==
        json::parse(R"({"id": "network0", "type": "ipv4_dhcp", "link": "interface0", "network_id": "n1"})"));
  CHECK(network_on(subnet_v6(), dhcp).at("type") == "ipv6_dhcp");
  for (const char* mode : {"slaac", "dhcpv6-stateful", "dhcpv6-stateless"}) {
    CAPTURE(mode);
    const json network = network_on(subnet_v6(), {{"ipv6_address_mode", mode}, {"dhcp_server", "2001:db8::2"}});
    CHECK(network.at("type") == std::string("ipv6_") + mode);
    CHECK(network.at("ip_address") == "2001:db8::5");
  }
}

TEST_CASE("routes stand behind the default route") {
  json subnet = subnet_v4();
  subnet["routes"] = json::parse(R"([{"cidr": "192.168.7.9/16", "gateway": {"address": "10.0.0.9"}}])");
  const json route = json::parse(R"({"network": "192.168.0.0", "netmask": "255.255.0.0", "gateway": "10.0.0.9"})");
  CHECK(network_on(subnet, nullptr).at("routes").at(1) == route);
  subnet["gateway"] = nullptr;
  CHECK(network_on(subnet, nullptr).at("routes") == json::array({route}));
}

TEST_CASE("a link has the name, the type and the MTU that a guest may know") {
  const auto link = [](const char* more, const json& subnet_meta = nullptr) {
    json subnet = subnet_v4();
    subnet["meta"] = subnet_meta;
    json vif = vif_on({subnet});
    vif["network"]["meta"] = {{"mtu", 1450}};
    vif.update(json::parse(more));
    return told({vif}).at("links").at(0);
  };
  CHECK(link("{}").at("mtu") == 1450);
  CHECK(link("{}", {{"dhcp_server", "10.0.0.2"}}).at("mtu").is_null());
  CHECK(link(R"({"devname": "tap7"})").at("id") == "tap7");
  CHECK(link(R"({"address": null})").at("ethernet_mac_address").is_null());
  for (const char* type : {"bridge", "dvs", "hw_veb", "hyperv", "ovs", "tap", "vhostuser", "vif"}) {
    CHECK(link(("{\"type\": \"" + std::string(type) + "\"}").c_str()).at("type") == type);
  }
  for (const char* type : {"macvtap", "hostdev_physical", "unbound", "802.1qbh"}) {
    CHECK(link(("{\"type\": \"" + std::string(type) + "\"}").c_str()).at("type") == "phy");
  }
}

TEST_CASE("ports without a subnet are left out and not counted") {
  CHECK(told({}) == json::object());
  CHECK(told({json{{"id", "p0"}}}) == json::parse(R"({"links": [], "networks": [], "services": []})"));
  const json two = told({json{{"id", "p0"}}, vif_on({subnet_v4()}), vif_on({subnet_v6()})});
  CHECK(two.at("links").at(0).at("id") == "interface0");
  CHECK(two.at("links").at(1).at("id") == "interface1");
  CHECK(two.at("networks").at(1).at("link") == "interface1");
}

TEST_CASE("a subnet without an address gives a link and no network") {
  const json answer = told({vif_on({json::parse(R"({"cidr": "10.0.0.0/24", "dns": [{"address": "8.8.8.8"}]})")})});
  CHECK(answer.at("links").size() == 1);
  CHECK(answer.at("networks").empty());
  CHECK(answer.at("services").empty());
}

TEST_CASE("of each version the first subnet counts, and a name server is told once") {
  json other = subnet_v4();
  other["cidr"] = "10.9.0.0/16";
  other["ips"] = json::parse(R"([{"address": "10.9.0.5"}])");
  const json answer = told({vif_on({subnet_v4(), other}), vif_on({subnet_v4()})});
  CHECK(answer.at("networks").size() == 2);
  CHECK(answer.at("networks").at(0).at("ip_address") == "10.0.0.5");
  CHECK(answer.at("services").size() == 1);
}
