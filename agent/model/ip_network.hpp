#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace basecache::model {

// A range of IP addresses, "10.0.0.0/24" or "2001:db8::/64"; its texts are those of Python's netaddr, which Nova
// writes.
class IpNetwork {
 public:
  // A text without "/" is the range of that one address. Nothing for what is no range; netmasks aren't taken.
  static std::optional<IpNetwork> parse(std::string_view text);

  int version() const { return is_v6_ ? 6 : 4; }
  unsigned prefix_length() const { return prefix_length_; }
  std::string netmask() const;  // "255.255.255.0", "ffff:ffff:ffff:ffff::"
  std::string network() const;  // the first address, whatever the text said behind the prefix
  // The last address. None for two addresses or one, which have none (RFC 3021), and for IPv6.
  std::optional<std::string> broadcast() const;

 private:
  IpNetwork() = default;

  using Bytes = std::array<std::uint8_t, 16>;  // IPv4 has the first four
  std::size_t length() const { return is_v6_ ? 16 : 4; }
  Bytes mask() const;
  std::string text_of(const Bytes& bytes) const;

  Bytes address_{};
  unsigned prefix_length_ = 0;
  bool is_v6_ = false;
};

// 4 or 6; nothing for what is no single address.
std::optional<int> ip_version(std::string_view address);

}  // namespace basecache::model
