#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <set>
#include <string>

#include "agent/base/machine.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/prune/usage.hpp"

namespace basecache::prune {

// What the nodes that share instances_path tell each other: whom their own domains use, which no other node can ask. A
// file a node, `_base/.basecache/nodes/<host>.<machine>.json`, so that two machines of one host name have two:
//   {"version": 1, "host", "written": seconds, "asks_domains": whether it has a hypervisor to ask,
//    "unknown": why it couldn't be asked or "", "keys": {"<key>": ["domain 'web01' disk vda", ...]}}
// and beside it `<host>.<machine>.lock`, on which a daemon holds a lock while it lives. Instance directories aren't in
// it: every node sees those.
class NodeMarkers {
 public:
  // What a node that is gone told counts for as long as with Nova (TWENTY_FOUR_HOURS in nova/virt/storage_users.py). So
  // long a base file stays, too, that somebody begins to use.
  static constexpr std::chrono::hours kFresh{24};

  // `host`: this node's name. All of it is used in a file's name, whatever is in it. Another `machine` is for tests.
  NodeMarkers(const layout::CacheLayout& layout, std::string host, const std::string& machine = machine_id());

  // For a daemon, once: shows that this node lives until this object goes. False when another process of this machine
  // and host name does so on this directory; they share the marker then.
  bool hold();

  // Tells the others, unless somebody here knows better: the daemon while it lives, and for kFresh who could ask a
  // hypervisor. A usage that isn't known leaves the keys that were told before. `seen`: only whom domains use.
  void tell(const Usage& seen, bool asks_domains, std::time_t now) const;

  // Whether anything is left of a node on that machine: it lives, or told within kFresh before others() was called.
  bool knows_machine(const std::string& machine) const;

  // What the others tell: their users as "node 'n2': ..."; unreadable: a node that lives and doesn't know, hasn't told
  // yet or not for kFresh (later than in an hour counts as that), or whose marker can't be read. What is left of nodes
  // that are gone is removed.
  Usage others(std::time_t now) const;

 private:
  struct Marker;

  static bool is_fresh(const Marker& told, std::time_t now);
  std::set<std::string> names() const;  // of all nodes' files
  std::optional<Marker> read(const std::string& name) const;
  std::optional<Marker> readable_marker() const;  // of this node
  Usage told_by(const std::string& name, std::time_t now) const;
  Path marker(const std::string& name) const { return layout_.node_directory() / (name + ".json"); }
  Path lock(const std::string& name) const { return layout_.node_directory() / (name + ".lock"); }
  bool lives(const std::string& name) const;
  bool try_to_share_lock();
  void forget(const std::string& name, std::time_t now) const;

  const layout::CacheLayout& layout_;
  const std::string host_;
  const std::string name_;  // of its files
  UniqueFd held_;  // of the lock; open for reading, so that its file system can be made read-only under a daemon
};

}  // namespace basecache::prune
