#include "agent/api/peer_policy.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::api {
namespace {

// Nobody is in nearly as many; whoever is in more is judged by the primary group alone.
constexpr std::size_t kMostGroups = 1024;

std::vector<gid_t> groups_of(int socket) {
  std::vector<gid_t> groups(kMostGroups);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return {};
  groups.resize(size / sizeof(gid_t));
  return groups;
}

}  // namespace

std::optional<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  Peer peer{.uid = credentials.uid, .groups = groups_of(socket)};
  peer.groups.push_back(credentials.gid);
  return peer;
}

PeerPolicy::PeerPolicy(std::vector<uid_t> uids, std::optional<gid_t> group) : uids_(std::move(uids)), group_(group) {
  if (uids_.empty()) uids_ = {0, ::geteuid()};
}

bool PeerPolicy::allows(const Peer& peer) const {
  const bool member = group_ && std::ranges::find(peer.groups, *group_) != peer.groups.end();
  return member || std::ranges::find(uids_, peer.uid) != uids_.end();
}

std::optional<gid_t> group_named(const std::string& name) {
  if (name.empty()) return std::nullopt;
  std::vector<char> space(64 * 1024);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found) != 0 || found == nullptr) {
    throw Error(ErrorCode::invalid_request, "[basecache] socket_group: there is no group " + quote(name));
  }
  return entry.gr_gid;
}

}  // namespace basecache::api
