#include "agent/metadata/network_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "agent/metadata/first_subnet.hpp"
#include "agent/metadata/json_text.hpp"

namespace basecache::metadata {
namespace {

using model::Subnet;
using model::Vif;
using nlohmann::json;

// What guests have always been told by its name; every other is a physical card to them (nova/network/model.py,
// LEGACY_EXPOSED_VIF_TYPES).
constexpr std::array<std::string_view, 8> kToldTypes{"bridge", "dvs", "hw_veb",    "hyperv",
                                                     "ovs",    "tap", "vhostuser", "vif"};

// With a DHCP server it is that which tells the MTU.
json mtu_of(const Vif& vif) {
  const auto has_dhcp = [](const Subnet& subnet) { return subnet.dhcp_server && !subnet.dhcp_server->empty(); };
  if (!vif.network.mtu || std::ranges::any_of(vif.network.subnets, has_dhcp)) return {};
  return *vif.network.mtu;
}

json link_of(const Vif& vif, std::size_t number) {
  const bool is_told = std::ranges::find(kToldTypes, vif.type) != kToldTypes.end();
  return {{"id", vif.devname.empty() ? fmt::format("interface{}", number) : vif.devname},
          {"vif_id", vif.id},
          {"type", is_told ? vif.type : "phy"},
          {"mtu", mtu_of(vif)},
          {"ethernet_mac_address", vif.address ? json(*vif.address) : json()}};
}

json services_of(const Subnet& subnet) {
  json services = json::array();
  for (const std::string& address : subnet.dns) services.push_back({{"type", "dns"}, {"address", address}});
  return services;
}

json routes_of(const Subnet& subnet) {
  const std::string any = subnet.cidr.version() == 4 ? "0.0.0.0" : "::";
  json routes = json::array();
  if (!subnet.gateway.empty()) routes.push_back({{"network", any}, {"netmask", any}, {"gateway", subnet.gateway}});
  for (const model::Route& route : subnet.routes) {
    routes.push_back({{"network", route.destination.network()},
                      {"netmask", route.destination.netmask()},
                      {"gateway", route.gateway}});
  }
  return routes;
}

// "ipv4", "ipv4_dhcp", "ipv6_slaac", "ipv6_dhcpv6-stateful" ...
std::string type_of(const Subnet& subnet) {
  const std::string version = fmt::format("ipv{}", subnet.cidr.version());
  if (subnet.ipv6_address_mode) return version + "_" + *subnet.ipv6_address_mode;
  return subnet.dhcp_server ? version + "_dhcp" : version;
}

json network_of(const Vif& vif, const Subnet& subnet, const json& link, std::size_t number) {
  json network = {{"id", fmt::format("network{}", number)},
                  {"type", type_of(subnet)},
                  {"link", link.at("id")},
                  {"network_id", text_or_null(vif.network.id)}};
  if (subnet.dhcp_server && !subnet.ipv6_address_mode) return network;
  network["ip_address"] = subnet.ips.front().address;
  network["netmask"] = subnet.cidr.netmask();
  network["routes"] = routes_of(subnet);
  network["services"] = services_of(subnet);
  return network;
}

// Once each, but for a subnet that itself names one twice: so does Nova.
void add_services(const Subnet& subnet, json& services) {
  json added = json::array();
  for (json& service : services_of(subnet)) {
    if (std::ranges::find(services, service) == services.end()) added.push_back(std::move(service));
  }
  services.insert(services.end(), added.begin(), added.end());
}

}  // namespace

json network_json(const std::vector<Vif>& network_info) {
  if (network_info.empty()) return json::object();
  json links = json::array();
  json networks = json::array();
  json services = json::array();
  for (const Vif& vif : network_info) {
    if (vif.network.subnets.empty()) continue;
    links.push_back(link_of(vif, links.size()));
    for (const int version : {4, 6}) {
      const Subnet* subnet = first_subnet(vif.network, version);
      if (subnet == nullptr || subnet->ips.empty()) continue;
      networks.push_back(network_of(vif, *subnet, links.back(), networks.size()));
      add_services(*subnet, services);
    }
  }
  return {{"links", std::move(links)}, {"networks", std::move(networks)}, {"services", std::move(services)}};
}

}  // namespace basecache::metadata
