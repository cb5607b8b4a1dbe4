#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "agent/config.hpp"
#include "agent/domain/domain_request.hpp"
#include "agent/domain/known_domain.hpp"
#include "tools/basecache-qemu-hook/hook_call.hpp"

namespace basecache::hook {

// What a hook came to.
struct HookResult {
  bool is_refusal = false;  // the start of the domain shall fail
  std::string line = {};    // why: for stderr, or where nothing fails for the log; "" when there is nothing to tell
};

// Tells the agent of one domain, and waits for its disks, but never for long: meanwhile libvirt holds the domain's
// lock, and whoever lists the domains of this node waits too. Never reaches libvirt.
class DomainHook {
 public:
  using Clock = std::chrono::steady_clock;

  // Of `config` it takes socket, hook_deadline (since `start`) and hook_failure. `config_fault`: why these are
  // defaults.
  DomainHook(const Config& config, Clock::time_point start, std::string config_fault = {})
      : config_(config), start_(start), config_fault_(std::move(config_fault)) {}

  // Nothing but a prepare of ours or Nova's is ever refused. Where no file of the domain that the agent would make is
  // missing, its start isn't refused for an agent that doesn't answer; one of Nova's isn't refused at all then.
  HookResult run(HookAction action, std::string_view xml) const;

 private:
  HookResult prepare(const domain::DomainRequest& told, const domain::KnownDomain& domain) const;
  HookResult tell(HookAction action, const domain::KnownDomain& domain) const;
  HookResult refusal(std::string line) const;
  HookResult refusal(const std::string& why, const std::string& hint) const;

  const Config& config_;
  Clock::time_point start_;
  std::string config_fault_;
};

}  // namespace basecache::hook
