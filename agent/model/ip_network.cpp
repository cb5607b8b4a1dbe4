#include "agent/model/ip_network.hpp"

#include <arpa/inet.h>

#include "agent/base/text.hpp"

namespace basecache::model {

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (address.find('\0') != std::string::npos) return std::nullopt;
  IpNetwork network;
  network.is_v6_ = address.find(':') != std::string::npos;
  if (::inet_pton(network.is_v6_ ? AF_INET6 : AF_INET, address.c_str(), network.address_.data()) != 1) {
    return std::nullopt;
  }
  const auto bits = static_cast<unsigned>(network.length() * 8);
  network.prefix_length_ = bits;
  if (slash == std::string_view::npos) return network;
  const auto given = parse_unsigned(text.substr(slash + 1));
  if (!given || *given > bits) return std::nullopt;
  network.prefix_length_ = static_cast<unsigned>(*given);
  return network;
}

std::string IpNetwork::netmask() const { return text_of(mask()); }

std::string IpNetwork::network() const {
  const Bytes ones = mask();
  Bytes first{};
  for (std::size_t i = 0; i < length(); ++i) first[i] = address_[i] & ones[i];
  return text_of(first);
}

std::optional<std::string> IpNetwork::broadcast() const {
  if (is_v6_ || prefix_length_ > 30) return std::nullopt;
  const Bytes ones = mask();
  Bytes last{};
  for (std::size_t i = 0; i < length(); ++i) last[i] = static_cast<std::uint8_t>(address_[i] | (~ones[i] & 0xff));
  return text_of(last);
}

IpNetwork::Bytes IpNetwork::mask() const {
  Bytes ones{};
  for (unsigned bit = 0; bit < prefix_length_; ++bit) {
    ones[bit / 8] = static_cast<std::uint8_t>(ones[bit / 8] | (0x80U >> (bit % 8)));
  }
  return ones;
}

std::string IpNetwork::text_of(const Bytes& bytes) const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v6_ ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<int> ip_version(std::string_view address) {
  if (address.find('/') != std::string_view::npos) return std::nullopt;
  const auto network = IpNetwork::parse(address);
  return network ? std::optional(network->version()) : std::nullopt;
}

}  // namespace basecache::model
