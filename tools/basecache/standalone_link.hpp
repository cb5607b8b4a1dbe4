#pragma once

#include <optional>

#include "agent/api/operations.hpp"
#include "agent/base/stop_on_signal.hpp"
#include "agent/composition.hpp"
#include "tools/basecache/agent_link.hpp"

namespace basecache::cli {

// The agent in this process: the same code, the same files and locks, no daemon. Ctrl-C cancels and cleans up.
// OpenStack's environment is read for requests that may ask the registry; all others are served without a cloud.
class StandaloneLink : public AgentLink {
 public:
  // `config` must outlive this.
  explicit StandaloneLink(const Config& config) : config_(config) {}
  nlohmann::json ask(const api::Request& request, const ProgressSink& progress) override;

 private:
  struct Agent {
    Agent(const Config& config, glance::ImageServiceSettings service);

    Node node;
    api::Operations operations;
    api::Routes routes;
  };

  Agent& agent_for(const api::Request& request);

  StopOnSignal signals_;  // before any thread
  const Config& config_;
  std::optional<Agent> without_registry_;
  std::optional<Agent> with_registry_;
};

}  // namespace basecache::cli
