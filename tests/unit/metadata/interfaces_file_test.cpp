#include "agent/metadata/interfaces_file.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace basecache;
using namespace basecache::metadata;
using nlohmann::json;

namespace {

const std::string kHead =
    "# Injected by Nova on instance boot\n#\n# This file describes the network interfaces available on your system\n"
    "# and how to activate them. For more information, see interfaces(5).\n\n# The loopback network interface\n"
    "auto lo\niface lo inet loopback\n";

const json kV4 = json::parse(R"({"cidr": "10.0.0.0/24", "gateway": {"address": "10.0.0.1"},
  "dns": [{"address": "8.8.8.8"}, {"address": "1.1.1.1"}], "ips": [{"address": "10.0.0.5"}]})");
const json kV6 = json::parse(R"({"cidr": "2001:db8::/64", "gateway": {"address": "2001:db8::1"},
  "dns": [{"address": "2001:db8::53"}], "ips": [{"address": "2001:db8::5"}]})");

// What Nova's template made of these two.
const std::string kV4Text =
    "    hwaddress ether fa:16:3e:00:00:01\n    address 10.0.0.5\n    netmask 255.255.255.0\n    broadcast 10.0.0.255\n"
    "    gateway 10.0.0.1\n    dns-nameservers 8.8.8.8 1.1.1.1\n";
const std::string kV6Text =
    "    hwaddress ether fa:16:3e:00:00:01\n    address 2001:db8::5\n    netmask 64\n    gateway 2001:db8::1\n"
    "    dns-nameservers 2001:db8::53\n";

json vif_on(const std::vector<json>& subnets, bool injected = true) {
  return {{"id", "p1"},
          {"address", "fa:16:3e:00:00:01"},
          {"network", {{"id", "n1"}, {"subnets", subnets}, {"meta", {{"injected", injected}}}}}};
}

json with_dhcp(json subnet) {
  subnet["meta"] = {{"dhcp_server", "10.0.0.2"}};
  return subnet;
}

std::optional<std::string> file_of(const std::vector<json>& vifs, model::VirtType virt_type = model::VirtType::kvm) {
  const json request = {{"network_info", vifs}};
  model::JsonFields fields(request, "");
  return interfaces_file(model::read_vifs(fields, "network_info"), virt_type);
}

}  // namespace

TEST_CASE("static addresses of both versions stand below one interface") {
  CHECK(file_of({vif_on({kV4, kV6})}) ==
        kHead + "\nauto eth0\niface eth0 inet static\n" + kV4Text + "iface eth0 inet6 static\n" + kV6Text);
}

TEST_CASE("each port has an interface of its number, those without a file too") {
  CHECK(file_of({vif_on({kV4}), vif_on({kV4}, false), vif_on({}), vif_on({kV6})}) ==
        kHead + "\nauto eth0\niface eth0 inet static\n" + kV4Text + "\nauto eth2\niface eth2 inet6 static\n" + kV6Text);
}

TEST_CASE("nothing is written where nothing is static") {
  CHECK_FALSE(file_of({}).has_value());
  CHECK_FALSE(file_of({vif_on({kV4}, false)}).has_value());
  CHECK_FALSE(file_of({vif_on({with_dhcp(kV4)})}).has_value());
  CHECK_FALSE(file_of({vif_on({kV4, with_dhcp(kV6)})}).has_value());
}

TEST_CASE("a container gets its IPv6 address by commands") {
  CHECK(file_of({vif_on({kV4, kV6})}, model::VirtType::lxc) ==
        kHead + "\nauto eth0\niface eth0 inet static\n" + kV4Text +
            "    post-up ip -6 addr add 2001:db8::5/64 dev ${IFACE}\n"
            "    post-up ip -6 route add default via 2001:db8::1 dev ${IFACE}\n");
}

TEST_CASE("what isn't there has no line") {
  json bare = vif_on({json::parse(R"({"cidr": "10.0.0.0/31", "ips": [{"address": "10.0.0.1"}]})")});
  bare["address"] = nullptr;
  CHECK(file_of({bare}) == kHead +
                               "\nauto eth0\niface eth0 inet static\n    address 10.0.0.1\n"
                               "    netmask 255.255.255.254\n");
  CHECK(file_of({vif_on({json{{"cidr", "10.0.0.0/24"}}})}) == kHead + "\nauto eth0\n");
}
