#include "agent/metadata/interfaces_file.hpp"

#include <fmt/format.h>

#include <string_view>

#include "agent/metadata/first_subnet.hpp"

namespace basecache::metadata {
namespace {

using model::Subnet;
using model::Vif;
using model::VirtType;

// These lines are Nova's, so that a guest's own tools know the file as one of Nova's.
constexpr std::string_view kHead =
    "# Injected by Nova on instance boot\n"
    "#\n"
    "# This file describes the network interfaces available on your system\n"
    "# and how to activate them. For more information, see interfaces(5).\n"
    "\n"
    "# The loopback network interface\n"
    "auto lo\n"
    "iface lo inet loopback\n";

std::string line(std::string_view word, std::string_view value) {
  return value.empty() ? "" : fmt::format("    {} {}\n", word, value);
}

std::string first_address(const Subnet* subnet) {
  return subnet == nullptr || subnet->ips.empty() ? "" : subnet->ips.front().address;
}

std::string addressing(const Vif& vif, const Subnet& subnet, const std::string& netmask) {
  return line("hwaddress ether", vif.address.value_or("")) + line("address", subnet.ips.front().address) +
         line("netmask", netmask);
}

std::string way_out(const Subnet& subnet) {
  return line("gateway", subnet.gateway) + line("dns-nameservers", fmt::format("{}", fmt::join(subnet.dns, " ")));
}

std::string v4_stanza(const Vif& vif, const Subnet& subnet, const std::string& name) {
  return fmt::format("iface {} inet static\n", name) + addressing(vif, subnet, subnet.cidr.netmask()) +
         line("broadcast", subnet.cidr.broadcast().value_or("")) + way_out(subnet);
}

std::string v6_stanza(const Vif& vif, const Subnet& subnet, const std::string& name) {
  return fmt::format("iface {} inet6 static\n", name) +
         addressing(vif, subnet, fmt::format("{}", subnet.cidr.prefix_length())) + way_out(subnet);
}

std::string v6_commands(const Subnet& subnet) {
  std::string commands = fmt::format("    post-up ip -6 addr add {}/{} dev ${{IFACE}}\n", subnet.ips.front().address,
                                     subnet.cidr.prefix_length());
  if (!subnet.gateway.empty()) {
    commands += fmt::format("    post-up ip -6 route add default via {} dev ${{IFACE}}\n", subnet.gateway);
  }
  return commands;
}

bool has_dhcp(const Subnet* subnet) { return subnet != nullptr && subnet->dhcp_server.has_value(); }

}  // namespace

std::optional<std::string> interfaces_file(const std::vector<Vif>& network_info, VirtType virt_type) {
  std::string text;
  std::size_t number = 0;
  for (const Vif& vif : network_info) {
    if (vif.network.subnets.empty()) continue;
    const std::string name = fmt::format("eth{}", number++);
    const Subnet* v4 = first_subnet(vif.network, 4);
    const Subnet* v6 = first_subnet(vif.network, 6);
    if (!vif.network.injected || has_dhcp(v4) || has_dhcp(v6)) continue;
    text += fmt::format("\nauto {}\n", name);
    if (!first_address(v4).empty()) text += v4_stanza(vif, *v4, name);
    if (!first_address(v6).empty()) text += virt_type == VirtType::lxc ? v6_commands(*v6) : v6_stanza(vif, *v6, name);
  }
  if (text.empty()) return std::nullopt;
  return std::string(kHead) + text;
}

}  // namespace basecache::metadata
