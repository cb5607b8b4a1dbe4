#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/ip_network.hpp"
#include "agent/model/json_fields.hpp"

// Nova's network model (nova/network/model.py): what of it a guest is told. Addresses are texts as they were given.
namespace basecache::model {

struct FixedIp {
  std::string address;
  int version = 4;
  std::vector<std::string> floating_ips;
};

struct Route {
  IpNetwork destination;  // "cidr"
  std::string gateway;
};

struct Subnet {
  IpNetwork cidr;
  std::string gateway;  // "": none
  std::vector<std::string> dns;
  std::vector<FixedIp> ips;  // all of the subnet's own version
  std::vector<Route> routes;
  std::optional<std::string> dhcp_server;        // of meta: its addresses are given by DHCP
  std::optional<std::string> ipv6_address_mode;  // of meta: "slaac", "dhcpv6-stateful" or "dhcpv6-stateless"
};

struct Network {
  std::string id;
  std::vector<Subnet> subnets;       // none: nothing is told of the interface
  std::optional<std::uint64_t> mtu;  // of meta
  bool injected = false;             // of meta: the guest is given a file of its addresses
};

// One interface of an instance: a port.
struct Vif {
  std::string id;
  std::optional<std::string> address;  // MAC
  std::string type;                    // "ovs", "bridge", "hw_veb" ...
  std::string devname;                 // "tap1234"; "": none
  Network network;
};

// The field `name` as NetworkInfo.json() writes it: a list of VIFs, each with all that it holds. What only hypervisors
// read (profile, details, meta ...) may stand there and is not looked into. Error(invalid_request) for a field that the
// model doesn't have, and for what is no address.
std::vector<Vif> read_vifs(JsonFields& fields, std::string_view name);

}  // namespace basecache::model
