#pragma once

#include <cstdint>
#include <optional>

namespace basecache::domain {

// How a guest's processors are told to it.
struct CpuTopology {
  std::uint64_t sockets = 0;  // of a wish: 0 leaves it open
  std::uint64_t cores = 0;    // of each socket
  std::uint64_t threads = 0;  // of each core

  friend bool operator==(const CpuTopology&, const CpuTopology&) = default;
};

// Of all that have so many processors within `most`, the one that has most of what is wished; of those, the one with
// the fewest threads, and then with the most sockets (nova/virt/hardware.py, get_best_cpu_topology). Nothing where
// there is none.
std::optional<CpuTopology> best_topology(std::uint64_t vcpus, const CpuTopology& wish, const CpuTopology& most);

}  // namespace basecache::domain
