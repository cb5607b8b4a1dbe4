#include "backends/http/address_policy.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace basecache::http {
namespace {

struct V4Range {
  std::uint32_t network;  // host byte order
  unsigned bits;
  AddressKind kind;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }

// IANA IPv4 Special-Purpose Address Registry; documentation ranges and the like count as private: no image is there.
constexpr std::array kV4Ranges{
    V4Range{v4(0, 0, 0, 0), 8, AddressKind::loopback},
    V4Range{v4(10, 0, 0, 0), 8, AddressKind::private_network},
    V4Range{v4(100, 64, 0, 0), 10, AddressKind::private_network},
    V4Range{v4(127, 0, 0, 0), 8, AddressKind::loopback},
    V4Range{v4(169, 254, 0, 0), 16, AddressKind::link_local},
    V4Range{v4(172, 16, 0, 0), 12, AddressKind::private_network},
    V4Range{v4(192, 0, 0, 0), 24, AddressKind::private_network},
    V4Range{v4(192, 168, 0, 0), 16, AddressKind::private_network},
    V4Range{v4(198, 18, 0, 0), 15, AddressKind::private_network},
    V4Range{v4(224, 0, 0, 0), 3, AddressKind::private_network},
};

AddressKind kind_of_v4(std::uint32_t address) {
  for (const V4Range& range : kV4Ranges) {
    if ((address ^ range.network) >> (32 - range.bits) == 0) return range.kind;
  }
  return AddressKind::global;
}

using V6Bytes = std::span<const std::uint8_t, 16>;

bool starts_with(V6Bytes address, std::initializer_list<std::uint8_t> prefix) {
  return std::memcmp(address.data(), std::data(prefix), prefix.size()) == 0;
}

std::uint32_t v4_at(V6Bytes address, std::size_t offset) {
  return v4(address[offset], address[offset + 1], address[offset + 2], address[offset + 3]);
}

std::optional<std::uint32_t> embedded_v4(V6Bytes address) {
  if (starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return v4_at(address, 12);     // mapped
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return v4_at(address, 12);  // NAT64
  if (starts_with(address, {0x20, 0x02})) return v4_at(address, 2);                                    // 6to4
  return std::nullopt;
}

AddressKind kind_of_v6(V6Bytes address) {
  if (const auto embedded = embedded_v4(address)) return kind_of_v4(*embedded);
  if (starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) {  // ::, ::1 and the old IPv4-compatible ones
    return v4_at(address, 12) <= 1 ? AddressKind::loopback : kind_of_v4(v4_at(address, 12));
  }
  if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) return AddressKind::link_local;
  const bool global_unicast = (address[0] & 0xe0) == 0x20;  // 2000::/3 is all that was ever handed out
  return global_unicast ? AddressKind::global : AddressKind::private_network;
}

}  // namespace

AddressKind kind_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4_address{};
    std::memcpy(&v4_address, &address, sizeof v4_address);
    return kind_of_v4(ntohl(v4_address.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6_address{};
    std::memcpy(&v6_address, &address, sizeof v6_address);
    return kind_of_v6(V6Bytes(v6_address.sin6_addr.s6_addr));
  }
  return AddressKind::link_local;
}

std::string to_text(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    sockaddr_in v4_address{};
    std::memcpy(&v4_address, &address, sizeof v4_address);
    ::inet_ntop(AF_INET, &v4_address.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4_address.sin_port));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6_address{};
    std::memcpy(&v6_address, &address, sizeof v6_address);
    ::inet_ntop(AF_INET6, &v6_address.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6_address.sin6_port));
  }
  return "an address of another family";
}

bool may_connect(AddressKind kind, const HostTrust& trust) {
  switch (kind) {
    case AddressKind::global:
      return true;
    case AddressKind::private_network:
    case AddressKind::loopback:
      return !trust.redirected || trust.asked_for || trust.listed;
    case AddressKind::link_local:
      return !trust.redirected && trust.listed;
  }
  return false;
}

}  // namespace basecache::http
