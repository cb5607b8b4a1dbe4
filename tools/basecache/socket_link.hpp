#pragma once

#include "agent/base/path.hpp"
#include "tools/basecache/agent_link.hpp"

namespace basecache::cli {

// Asks a running basecached. A caller that goes away cancels what it asked for.
class SocketLink : public AgentLink {
 public:
  explicit SocketLink(Path socket) : socket_(std::move(socket)) {}
  nlohmann::json ask(const api::Request& request, const ProgressSink& progress) override;

 private:
  Path socket_;
};

}  // namespace basecache::cli
