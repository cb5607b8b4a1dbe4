#pragma once

#include "agent/api/operations.hpp"
#include "agent/base/stop_on_signal.hpp"
#include "agent/composition.hpp"
#include "tools/basecache/agent_link.hpp"

namespace basecache::cli {

// The agent in this process: the same code, the same files and locks, no daemon. Ctrl-C cancels and cleans up.
class StandaloneLink : public AgentLink {
 public:
  explicit StandaloneLink(const Config& config);
  nlohmann::json ask(const api::Request& request, const ProgressSink& progress) override;

 private:
  StopOnSignal signals_;  // before any thread
  std::chrono::seconds deadline_;
  Node node_;
  api::Operations operations_;
  api::Routes routes_;
};

}  // namespace basecache::cli
