#include "agent/model/network_model.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/text.hpp"
#include "agent/model/checked_fields.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

// A guest has some ports, a port some addresses; the body limit of the socket is met before all of these are.
constexpr std::size_t kMostVifs = 64;
constexpr std::size_t kMostSubnets = 32;
constexpr std::size_t kMostAddresses = 64;
constexpr std::size_t kMostRoutes = 256;
constexpr std::uint64_t kLargestMtu = 1U << 20;

// What may stand there and is nothing to a guest.
void allow_objects(JsonFields& fields, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) fields.object(name);
}
void allow_texts(JsonFields& fields, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) plain_text(fields, name);
}
void allow_flags(JsonFields& fields, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) fields.boolean(name);
}

int version_of(const std::string& address, const std::string& path) {
  const auto version = ip_version(address);
  if (!version) throw bad_field(path, quote(address, 60) + " is not an IP address");
  return *version;
}

void require_version(JsonFields& fields, int version) {
  const auto said = fields.number("version", 6);
  if (said && *said != static_cast<std::uint64_t>(version)) {
    throw bad_field(fields.path_of("version"), fmt::format("says {} of what is IPv{}", *said, version));
  }
}

// {address, type, version, meta}; "" where it has no address.
std::string address_of(JsonFields& fields) {
  std::string address = plain_text(fields, "address");
  if (!address.empty()) require_version(fields, version_of(address, fields.path_of("address")));
  fields.number("version", 6);
  allow_texts(fields, {"type"});
  allow_objects(fields, {"meta"});
  return address;
}

std::string read_ip(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  std::string address = address_of(fields);
  if (address.empty()) throw bad_field(fields.path_of("address"), "is missing");
  fields.finish();
  return address;
}

FixedIp read_fixed_ip(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  FixedIp ip{.address = address_of(fields), .floating_ips = {}};
  ip.version = version_of(ip.address, fields.path_of("address"));
  ip.floating_ips = read_list(fields, "floating_ips", kMostAddresses, read_ip);
  fields.finish();
  return ip;
}

IpNetwork network_of(JsonFields& fields) {
  const std::string cidr = fields.required_text("cidr", kLongestName);
  const auto network = IpNetwork::parse(cidr);
  if (!network) {
    throw bad_field(fields.path_of("cidr"),
                    quote(cidr, 60) + " is not a network like '10.0.0.0/24' or '2001:db8::/64'");
  }
  return *network;
}

// Nova has an object without an address where there is none.
std::string gateway_of(JsonFields& fields) {
  const json* gateway = fields.object("gateway");
  if (gateway == nullptr) return "";
  JsonFields inside(*gateway, fields.path_of("gateway"));
  std::string address = address_of(inside);
  inside.finish();
  return address;
}

Route read_route(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  Route route{.destination = network_of(fields), .gateway = gateway_of(fields)};
  if (route.gateway.empty()) throw bad_field(fields.path_of("gateway.address"), "is missing");
  allow_texts(fields, {"interface"});
  allow_objects(fields, {"meta"});
  fields.finish();
  return route;
}

void require_one_version(const Subnet& subnet, const std::string& path) {
  for (const FixedIp& ip : subnet.ips) {
    if (ip.version == subnet.cidr.version()) continue;
    throw bad_field(path, fmt::format("has {} in it, and is of IPv{}", quote(ip.address, 60), subnet.cidr.version()));
  }
}

Subnet read_subnet(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  Subnet subnet{.cidr = network_of(fields),
                .gateway = gateway_of(fields),
                .dns = read_list(fields, "dns", kMostAddresses, read_ip),
                .ips = read_list(fields, "ips", kMostAddresses, read_fixed_ip),
                .routes = read_list(fields, "routes", kMostRoutes, read_route),
                .dhcp_server = {},
                .ipv6_address_mode = {}};
  require_version(fields, subnet.cidr.version());
  require_one_version(subnet, path);
  if (const json* meta = fields.object("meta")) {
    JsonFields inside(*meta, fields.path_of("meta"));
    subnet.dhcp_server = inside.text("dhcp_server", kLongestName);
    subnet.ipv6_address_mode = inside.text("ipv6_address_mode", kLongestName);
  }
  fields.finish();
  return subnet;
}

Network read_network(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  Network network;
  network.id = plain_text(fields, "id");
  network.subnets = read_list(fields, "subnets", kMostSubnets, read_subnet);
  for (const char* unread : {"bridge", "label"}) fields.text(unread, std::string::npos);
  if (const json* meta = fields.object("meta")) {
    JsonFields inside(*meta, fields.path_of("meta"));
    network.injected = inside.boolean("injected").value_or(false);
    network.mtu = inside.number("mtu", kLargestMtu);
  }
  fields.finish();
  return network;
}

Vif read_vif(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  Vif vif{.id = fields.required_text("id", kLongestName),
          .address = {},
          .type = plain_text(fields, "type"),
          .devname = plain_text(fields, "devname"),
          .network = {}};
  if (std::string mac = plain_text(fields, "address"); !mac.empty()) vif.address = std::move(mac);
  if (const json* network = fields.object("network")) vif.network = read_network(*network, fields.path_of("network"));
  allow_texts(fields, {"ovs_interfaceid", "vnic_type"});
  allow_objects(fields, {"details", "profile", "qbh_params", "qbg_params", "meta"});
  allow_flags(fields, {"active", "preserve_on_delete", "delegate_create"});
  fields.finish();
  return vif;
}

}  // namespace

std::vector<Vif> read_vifs(JsonFields& fields, std::string_view name) {
  return read_list(fields, name, kMostVifs, read_vif);
}

}  // namespace basecache::model
