#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "agent/api/routes.hpp"
#include "agent/base/progress.hpp"

namespace basecache::cli {

// The agent doesn't answer: exit code 10.
struct Unreachable {
  std::string message;
  std::string hint;
};

// The way to an agent: over its socket, or in this very process.
class AgentLink {
 public:
  virtual ~AgentLink() = default;

  // The answer to a request of the API (README, "The socket"), waited for; `progress` hears of long work meanwhile.
  // Throws what the agent answers otherwise, as Error or Cancelled; Unreachable.
  virtual nlohmann::json ask(const api::Request& request, const ProgressSink& progress) = 0;
};

}  // namespace basecache::cli
