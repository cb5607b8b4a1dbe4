#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/api/operations.hpp"
#include "agent/api/use_cases.hpp"
#include "agent/periodic/precaching.hpp"

namespace basecache::periodic {

struct OwnWorkSettings {
  std::optional<std::chrono::seconds> prune_interval = {};  // nothing: never
  std::vector<std::string> precache = {};                   // empty: nothing
  std::chrono::seconds precache_interval{};                 // 0: at the start only
};

// What the daemon does without being asked, a thread for each kind. However seldom it prunes, or never: a node that has
// a hypervisor tells the others every half hour what its domains use. Thread-safe.
class OwnWork {
 public:
  // Begins. What `use_cases` names, and `operations`, outlive this.
  OwnWork(const api::UseCases& use_cases, api::Operations& operations, const OwnWorkSettings& settings);
  ~OwnWork() = default;  // stops and waits

  // Cancels what runs and begins nothing more; comes back at once.
  void request_stop();

 private:
  Precaching precaching_;
  std::jthread prunes_;
  std::jthread precaches_;
  std::jthread tells_;
};

}  // namespace basecache::periodic
