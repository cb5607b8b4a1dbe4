#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace basecache::api {

// Who connected, by the kernel's word (SO_PEERCRED, SO_PEERGROUPS; unix(7)).
struct Peer {
  uid_t uid = 0;
  std::vector<gid_t> groups;  // all of them
};

// Nothing when the kernel doesn't tell.
std::optional<Peer> peer_of(int socket);

// Who may speak to the agent. The socket's mode decides besides; this holds however the mode was loosened.
class PeerPolicy {
 public:
  // `uids`: [basecache] allowed_uids; none: root and the user the agent runs as. Members of `group` always may.
  PeerPolicy(std::vector<uid_t> uids, std::optional<gid_t> group);
  bool allows(const Peer& peer) const;

 private:
  std::vector<uid_t> uids_;
  std::optional<gid_t> group_;
};

// Error(invalid_request) when there is no such group. "" is no group.
std::optional<gid_t> group_named(const std::string& name);

}  // namespace basecache::api
