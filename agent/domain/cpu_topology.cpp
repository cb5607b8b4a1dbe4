#include "agent/domain/cpu_topology.hpp"

#include <tuple>

namespace basecache::domain {
namespace {

int score(const CpuTopology& topology, const CpuTopology& wish) {
  return (topology.sockets == wish.sockets ? 1 : 0) + (topology.cores == wish.cores ? 1 : 0) +
         (topology.threads == wish.threads ? 1 : 0);
}

auto rank(const CpuTopology& topology, const CpuTopology& wish) {
  return std::tuple(score(topology, wish), topology.sockets * topology.cores, topology.sockets);
}

}  // namespace

std::optional<CpuTopology> best_topology(std::uint64_t vcpus, const CpuTopology& wish, const CpuTopology& most) {
  std::optional<CpuTopology> best;
  for (std::uint64_t sockets = 1; sockets <= vcpus && sockets <= most.sockets; ++sockets) {
    if (vcpus % sockets != 0) continue;
    const std::uint64_t in_socket = vcpus / sockets;
    for (std::uint64_t cores = 1; cores <= in_socket && cores <= most.cores; ++cores) {
      if (in_socket % cores != 0 || in_socket / cores > most.threads) continue;
      const CpuTopology topology{.sockets = sockets, .cores = cores, .threads = in_socket / cores};
      if (!best || rank(topology, wish) > rank(*best, wish)) best = topology;
    }
  }
  return best;
}

}  // namespace basecache::domain
