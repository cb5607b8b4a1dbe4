#pragma once

#include <chrono>
#include <optional>

#include "agent/base/path.hpp"
#include "tools/basecache/agent_link.hpp"

namespace basecache::cli {

// Asks a running basecached. A caller that goes away cancels what it asked for, unless others may join it.
class SocketLink : public AgentLink {
 public:
  using Clock = std::chrono::steady_clock;

  // With a deadline: Unreachable when the agent hasn't begun to answer by then, Error(timed_out) when it hasn't ended.
  explicit SocketLink(Path socket, std::optional<Clock::time_point> deadline = {})
      : socket_(std::move(socket)), deadline_(deadline) {}
  nlohmann::json ask(const api::Request& request, const ProgressSink& progress) override;

 private:
  Path socket_;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace basecache::cli
