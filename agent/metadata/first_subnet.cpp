#include "agent/metadata/first_subnet.hpp"

#include <algorithm>

namespace basecache::metadata {

const model::Subnet* first_subnet(const model::Network& network, int version) {
  const auto found = std::ranges::find_if(
      network.subnets, [&](const model::Subnet& subnet) { return subnet.cidr.version() == version; });
  return found == network.subnets.end() ? nullptr : &*found;
}

}  // namespace basecache::metadata
