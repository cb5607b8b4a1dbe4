#pragma once

#include <stop_token>

#include "agent/api/operations.hpp"
#include "agent/prune/pruner.hpp"

namespace basecache::periodic {

// One pass of the daemon's own, as an operation that 'ops list' shows. One event tells what it did, and why it did
// nothing where it couldn't. Error(busy) when the agent takes no operation any more.
void prune_once(prune::Pruner& pruner, api::Operations& operations, const std::stop_token& stop);

}  // namespace basecache::periodic
