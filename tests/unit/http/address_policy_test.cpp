#include "backends/http/address_policy.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>
#include <vector>

namespace basecache::http {
namespace {

sockaddr_storage address(const std::string& text) {
  sockaddr_storage storage{};
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    sockaddr_in whole{};
    whole.sin_family = AF_INET;
    whole.sin_port = htons(80);
    whole.sin_addr = v4;
    std::memcpy(&storage, &whole, sizeof whole);
    return storage;
  }
  sockaddr_in6 whole{};
  whole.sin6_family = AF_INET6;
  whole.sin6_port = htons(80);
  REQUIRE(::inet_pton(AF_INET6, text.c_str(), &whole.sin6_addr) == 1);
  std::memcpy(&storage, &whole, sizeof whole);
  return storage;
}

const sockaddr& as_sockaddr(const sockaddr_storage& storage) { return reinterpret_cast<const sockaddr&>(storage); }

TEST_CASE("an address is known for the kind of place it is, IPv4 inside IPv6 included") {
  using enum AddressKind;
  struct Case {
    const char* text;
    AddressKind kind;
  };
  const std::vector<Case> cases{
      {"8.8.8.8", global},
      {"9.255.255.255", global},
      {"11.0.0.0", global},
      {"172.15.255.255", global},
      {"172.32.0.0", global},
      {"223.255.255.255", global},
      {"10.0.0.1", private_network},
      {"172.16.0.1", private_network},
      {"172.31.255.255", private_network},
      {"192.168.1.1", private_network},
      {"100.64.0.1", private_network},
      {"198.19.255.255", private_network},
      {"224.0.0.1", private_network},
      {"255.255.255.255", private_network},
      {"127.0.0.1", loopback},
      {"127.255.0.3", loopback},
      {"0.0.0.0", loopback},
      {"169.254.169.254", link_local},
      {"2001:4860:4860::8888", global},
      {"::", loopback},
      {"::1", loopback},
      {"fe80::1", link_local},
      {"febf::1", link_local},
      {"fc00::1", private_network},
      {"fd00:ec2::254", private_network},
      {"ff02::1", private_network},
      {"::ffff:127.0.0.1", loopback},
      {"::ffff:169.254.169.254", link_local},
      {"::ffff:8.8.8.8", global},
      {"::169.254.169.254", link_local},
      {"64:ff9b::169.254.169.254", link_local},
      {"64:ff9b::10.0.0.1", private_network},
      {"2002:a9fe:a9fe::1", link_local},
      {"2002:7f00:1::", loopback},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(kind_of(as_sockaddr(address(c.text))) == c.kind);
  }
}

TEST_CASE("a family that nobody meant is trusted least") {
  sockaddr_storage unix_socket{};
  unix_socket.ss_family = AF_UNIX;
  CHECK(kind_of(as_sockaddr(unix_socket)) == AddressKind::link_local);
}

TEST_CASE("addresses are shown with their port") {
  CHECK(to_text(as_sockaddr(address("127.0.0.1"))) == "127.0.0.1:80");
  CHECK(to_text(as_sockaddr(address("::1"))) == "[::1]:80");
}

TEST_CASE("who names a host is trusted more than a server that leads there") {
  using enum AddressKind;
  constexpr HostTrust asked{};
  constexpr HostTrust asked_listed{.redirected = false, .asked_for = true, .listed = true};
  constexpr HostTrust back_home{.redirected = true, .asked_for = true, .listed = false};
  constexpr HostTrust led{.redirected = true, .asked_for = false, .listed = false};
  constexpr HostTrust led_listed{.redirected = true, .asked_for = false, .listed = true};
  struct Case {
    HostTrust trust;
    bool to_global, to_private, to_loopback, to_link_local;
  };
  const std::vector<Case> cases{
      {asked, true, true, true, false}, {asked_listed, true, true, true, true}, {back_home, true, true, true, false},
      {led, true, false, false, false}, {led_listed, true, true, true, false},
  };
  for (const Case& c : cases) {
    CHECK(may_connect(global, c.trust) == c.to_global);
    CHECK(may_connect(private_network, c.trust) == c.to_private);
    CHECK(may_connect(loopback, c.trust) == c.to_loopback);
    CHECK(may_connect(link_local, c.trust) == c.to_link_local);
  }
}

}  // namespace
}  // namespace basecache::http
