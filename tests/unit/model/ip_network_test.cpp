#include "agent/model/ip_network.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

using namespace basecache::model;

TEST_CASE("a network's texts are those that Python's netaddr has for it") {
  struct Row {
    const char* text;
    int version;
    unsigned prefix_length;
    const char* network;
    const char* netmask;
    std::optional<std::string> broadcast;
  };
  // As netaddr 0.8 printed them.
  const Row rows[] = {
      {"10.0.0.0/24", 4, 24, "10.0.0.0", "255.255.255.0", "10.0.0.255"},
      {"10.1.2.3/8", 4, 8, "10.0.0.0", "255.0.0.0", "10.255.255.255"},
      {"172.16.37.9/20", 4, 20, "172.16.32.0", "255.255.240.0", "172.16.47.255"},
      {"0.0.0.0/0", 4, 0, "0.0.0.0", "0.0.0.0", "255.255.255.255"},
      {"10.0.0.5/30", 4, 30, "10.0.0.4", "255.255.255.252", "10.0.0.7"},
      {"10.0.0.5/31", 4, 31, "10.0.0.4", "255.255.255.254", std::nullopt},
      {"10.0.0.5/32", 4, 32, "10.0.0.5", "255.255.255.255", std::nullopt},
      {"10.0.0.5", 4, 32, "10.0.0.5", "255.255.255.255", std::nullopt},
      {"2001:db8::/64", 6, 64, "2001:db8::", "ffff:ffff:ffff:ffff::", std::nullopt},
      {"2001:db8::1/112", 6, 112, "2001:db8::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:0", std::nullopt},
      {"1:0:0:2::/65", 6, 65, "1:0:0:2::", "ffff:ffff:ffff:ffff:8000::", std::nullopt},
      {"2001:db8::/0", 6, 0, "::", "::", std::nullopt},
      {"::ffff:0:0/96", 6, 96, "::ffff:0.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff::", std::nullopt},
      {"::1/128", 6, 128, "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto network = IpNetwork::parse(row.text);
    REQUIRE(network.has_value());
    CHECK(network->version() == row.version);
    CHECK(network->prefix_length() == row.prefix_length);
    CHECK(network->network() == row.network);
    CHECK(network->netmask() == row.netmask);
    CHECK(network->broadcast() == row.broadcast);
  }
}

TEST_CASE("what is no network is none") {
  for (const char* text : {"", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0/8", "10/8",
                           "10.0.0.0/255.0.0.0", "2001:db8::/129", "2001:db8:::/64", "fe80::1%eth0/64", "10.0.0.256/24",
                           "host/24", "10.0.0.0/24/8", "10.0.0.0/99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(IpNetwork::parse(text).has_value());
  }
  CHECK_FALSE(IpNetwork::parse(std::string("10.0.0.1\0", 9)).has_value());
}

TEST_CASE("an address has a version, and a network has none") {
  CHECK(ip_version("10.0.0.5") == 4);
  CHECK(ip_version("2001:db8::5") == 6);
  CHECK_FALSE(ip_version("10.0.0.5/32").has_value());
  CHECK_FALSE(ip_version("").has_value());
  CHECK_FALSE(ip_version("web").has_value());
}
