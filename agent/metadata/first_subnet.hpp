#pragma once

#include "agent/model/network_model.hpp"

namespace basecache::metadata {

// Of a network only the first subnet of each version is told to the guest; nullptr where there is none.
const model::Subnet* first_subnet(const model::Network& network, int version);

}  // namespace basecache::metadata
