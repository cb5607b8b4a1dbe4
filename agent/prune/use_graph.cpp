#include "agent/prune/use_graph.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/prune/chain_walk.hpp"
#include "agent/prune/domain_usage.hpp"
#include "agent/prune/instance_usage.hpp"
#include "agent/prune/prune_policy.hpp"

namespace basecache::prune {
namespace {

constexpr int kAttempts = 3;
constexpr std::chrono::seconds kHooksTake{15};  // [basecache] hook_deadline is 10
constexpr std::chrono::milliseconds kBetweenLooks{100};

// Or for so long as a hook may take: where many guests are started there is always one that waits.
void let_hooks_end(const OpContext& op) {
  const auto end = OpContext::Clock::now() + kHooksTake;
  while (op.hook_wait().is_on() && OpContext::Clock::now() < end) {
    op.report({.step = "wait", .subject = "hooks of libvirt", .done = 0, .total = std::nullopt});
    op.wait_for(kBetweenLooks);
  }
}

std::string with_hint(const Error& error) {
  return error.hint().empty() ? error.message() : error.message() + " (" + error.hint() + ")";
}

}  // namespace

UseGraph UseGraph::after_hooks() const {
  UseGraph graph(*this);
  graph.is_after_hooks_ = true;
  return graph;
}

Usage UseGraph::collect(const OpContext& op, bool tidies) const {
  ChainWalk walk(layout_, chains_);
  collect_instances(layout_, walk);
  Usage usage = walk.take();
  bool was_asked = true;
  usage.add(domains_usage(op, walk, was_asked, tidies));
  if (sources_.nodes != nullptr) usage.add(other_nodes_usage(walk));
  return usage;
}

// By what they told, and by what a hook there holds since. What of that can't be seen from here is theirs to tell.
Usage UseGraph::other_nodes_usage(ChainWalk& walk) const {
  Usage usage = sources_.nodes->others(std::time(nullptr));
  if (sources_.leases == nullptr) return usage;
  try {
    const auto leases = sources_.leases->others();
    std::vector<domain::KnownDomain> held;
    for (auto machine = leases.begin(); machine != leases.end(); machine = leases.upper_bound(machine->first)) {
      if (!sources_.nodes->knows_machine(machine->first)) continue;
      const auto [first, last] = leases.equal_range(machine->first);
      std::transform(first, last, std::back_inserter(held), [](const auto& lease) { return lease.second; });
    }
    collect_domains(held, ToldBy::hook_elsewhere, layout_, walk);
  } catch (const Error&) {
    // Whoever asked for our own leases was told.
  }
  usage.users.merge(walk.take().users);
  return usage;
}

Usage UseGraph::domains_usage(const OpContext& op, ChainWalk& walk, bool& was_asked, bool tidies) const {
  Usage usage;
  const auto guarded = [&](auto body) {
    try {
      body();
    } catch (const Error& error) {
      usage.unreadable.push_back(with_hint(error));
      if (error.code() == ErrorCode::busy) was_asked = false;  // what was told before is better
    }
  };
  std::optional<std::set<std::string>> active;  // once the hypervisor has told
  guarded([&] {
    if (sources_.domains == nullptr) return;
    const auto known = domains(op);
    active.emplace();
    for (const domain::KnownDomain& domain : known) {
      if (domain.is_active) active->insert(domain.uuid);
    }
    collect_domains(known, ToldBy::hypervisor, layout_, walk);
  });
  guarded([&] {
    if (sources_.leases == nullptr) return;
    const auto* const told = active ? &*active : nullptr;
    if (tidies) sources_.leases->remove_ended(told);
    collect_domains(sources_.leases->all(told), ToldBy::hook, layout_, walk);
  });
  usage.add(walk.take());
  return usage;
}

std::vector<domain::KnownDomain> UseGraph::domains(const OpContext& op) const {
  for (int attempt = 1;; ++attempt) {
    if (is_after_hooks_) let_hooks_end(op);
    try {
      return sources_.domains->domains(op);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::busy || !is_after_hooks_ || attempt == kAttempts) throw;
    }
  }
}

// For a hook libvirt isn't asked: what was told before is better. A marker that can't be written ages, until the other
// nodes don't believe it any more.
void UseGraph::tell_nodes(const OpContext& op) const {
  if (sources_.nodes == nullptr || op.hook_wait().is_on()) return;
  try {
    ChainWalk walk(layout_, chains_);
    bool was_asked = true;
    const Usage domains = domains_usage(op, walk, was_asked, false);
    if (was_asked) sources_.nodes->tell(domains, asks_domains(), std::time(nullptr));
  } catch (const Error& error) {
    log_event(LogLevel::warning, "node_marker_not_written", {{"error", error.message()}});
  }
}

std::optional<std::string> UseGraph::reason_to_stay(const model::CacheKey& key, const OpContext& op) const {
  const Usage usage = collect(op);
  if (const auto users = usage.users.find(key); users != usage.users.end()) return used_by(users->second);
  if (!usage.unreadable.empty()) return "who uses it can't be told: " + usage.unreadable.front();
  return std::nullopt;
}

}  // namespace basecache::prune
