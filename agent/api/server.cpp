#include "agent/api/server.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace basecache::api {
namespace {

// accept() fails for want of descriptors until some are closed; asking at once again would only burn the processor.
constexpr std::chrono::milliseconds kAfterFailedAccept{50};
// Telling one too many takes the time of a thread, too, if he is slow; never of the one that accepts. Those for whom
// even that is too much are hung up on.
constexpr std::size_t kRefusers = 2;
constexpr std::size_t kMostRefusals = 32;

void refuse(WorkerPool& refusals, const std::shared_ptr<Connection>& connection, const Error& why) {
  try {
    refusals.submit([connection, why] { connection->refuse(why); });
  } catch (const Error&) {  // it goes with the connection
  }
}

}  // namespace

Server::Server(const SocketSettings& socket, PeerPolicy peers, const Routes& routes, Operations& operations,
               ConnectionLimits limits)
    : listener_(socket), peers_(std::move(peers)), routes_(routes), operations_(operations), limits_(limits) {}

void Server::run(std::stop_token stop) {
  const StopEvent stopped(stop);
  WorkerPool connections("connection", kMostConnections, kMostConnections);
  WorkerPool refusals("refusal", kRefusers, kMostRefusals);
  while (!stop.stop_requested()) {
    std::array<pollfd, 2> watched{pollfd{listener_.fd(), POLLIN, 0}, pollfd{stopped.fd(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), -1);
    if (watched[0].revents == 0) continue;
    UniqueFd socket = listener_.accept();
    const int error = errno;
    if (socket) {
      admit(connections, refusals, std::move(socket), stopped.fd());
    } else if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
      log_event(LogLevel::warning, "accept_failed", {{"error", Error::from_errno(error, "accept").message()}});
      std::this_thread::sleep_for(kAfterFailedAccept);
    }
  }
  operations_.shut_down();
}

void Server::admit(WorkerPool& connections, WorkerPool& refusals, UniqueFd socket, int interrupt_fd) const {
  const std::optional<Peer> peer = peer_of(socket.get());
  const bool allowed = peer && peers_.allows(*peer);
  const auto connection = std::make_shared<Connection>(std::move(socket), interrupt_fd, routes_, operations_, limits_);
  try {
    connections.submit([connection, allowed, uid = peer ? peer->uid : uid_t(-1)] {
      if (allowed) return connection->serve();
      log_event(LogLevel::warning, "peer_refused", {{"uid", uid}});
      connection->refuse(Error(ErrorCode::forbidden, "user " + std::to_string(uid) + " may not speak to this agent")
                             .set_hint("[basecache] allowed_uids and socket_group say who may"));
    });
  } catch (const Error& busy) {
    refuse(refusals, connection, busy);
  }
}

}  // namespace basecache::api
