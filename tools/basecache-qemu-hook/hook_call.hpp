#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace basecache::hook {

// What the agent is asked for when libvirt calls its hook (https://libvirt.org/hooks.html).
enum class HookAction {
  prepare,    // a domain is being started, and nobody has looked at its disks yet
  reconnect,  // libvirt was started again, and its guest runs
  stopped,    // its guest has ended
  release,    // libvirt has done with it: also after a start that failed, a save, a crash. Never: it is deleted
};

// libvirt calls NAME DOMAIN OPERATION SUB-OPERATION EXTRA. Nothing for whatever is none of ours, and for what isn't
// such a call. Here as a whole: it must not bring libstdc++ with it.
inline std::optional<HookAction> hook_action(int argc, const char* const* argv) {
  struct Call {
    std::string_view operation, sub_operation;
    HookAction action;
  };
  constexpr std::array<Call, 4> kCalls{{{"prepare", "begin", HookAction::prepare},
                                        {"reconnect", "begin", HookAction::reconnect},
                                        {"stopped", "end", HookAction::stopped},
                                        {"release", "end", HookAction::release}}};
  if (argc < 4) return std::nullopt;
  for (const Call& call : kCalls) {
    if (call.operation == argv[2] && call.sub_operation == argv[3]) return call.action;
  }
  return std::nullopt;
}

// The last part of the agent's path for it.
std::string_view name_of(HookAction action);

}  // namespace basecache::hook
