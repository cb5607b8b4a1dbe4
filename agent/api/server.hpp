#pragma once

#include <stop_token>

#include "agent/api/connection.hpp"
#include "agent/api/listener.hpp"
#include "agent/api/operations.hpp"
#include "agent/api/peer_policy.hpp"
#include "agent/api/routes.hpp"
#include "agent/base/stop_event.hpp"
#include "agent/base/worker_pool.hpp"

namespace basecache::api {

// The door: accepts connections on a Unix socket and gives each a thread of its own; long work runs on the operations'
// workers meanwhile.
class Server {
 public:
  // More connections than these wait to be accepted; more than twice as many are refused (busy) or hung up on.
  static constexpr std::size_t kMostConnections = 256;

  // Listens from here on. All must outlive this. Errors of Listener.
  Server(const SocketSettings& socket, PeerPolicy peers, const Routes& routes, Operations& operations,
         ConnectionLimits limits = {});

  // Serves until a stop is asked for; then running operations are cancelled and their clients told.
  void run(std::stop_token stop);

 private:
  void admit(WorkerPool& connections, WorkerPool& refusals, UniqueFd socket, int interrupt_fd) const;

  Listener listener_;
  const PeerPolicy peers_;
  const Routes& routes_;
  Operations& operations_;
  const ConnectionLimits limits_;
};

}  // namespace basecache::api
