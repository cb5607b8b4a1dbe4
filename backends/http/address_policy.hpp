#pragma once

#include <sys/socket.h>

#include <string>

namespace basecache::http {

// What kind of place an address is, as far as trust goes.
enum class AddressKind {
  global,           // the Internet
  private_network,  // RFC 1918, RFC 6598, unique local, and what isn't a host at all (multicast, reserved)
  loopback,         // this node; also the unspecified address, which connects to it
  link_local,       // RFC 3927, RFC 4291: where clouds serve credentials (169.254.169.254)
};

// IPv4 addresses inside IPv6 ones (mapped, compatible, NAT64, 6to4) are judged as the IPv4 address.
// Families other than IPv4 and IPv6 are link_local: nobody meant them.
AddressKind kind_of(const sockaddr& address);

// The address for people, "[::1]:80" or "127.0.0.1:80".
std::string to_text(const sockaddr& address);

// How a host came to be connected to.
struct HostTrust {
  bool redirected = false;  // a server sent us there
  bool asked_for = true;    // it is the host the caller named
  bool listed = false;      // it stands in url_hosts
};

// A caller may name any host but a link-local one, a server may send us only to global ones; listed hosts are trusted,
// yet no redirect ever leads to a link-local address.
bool may_connect(AddressKind kind, const HostTrust& trust);

}  // namespace basecache::http
