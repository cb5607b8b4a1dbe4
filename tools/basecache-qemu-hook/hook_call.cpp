#include "tools/basecache-qemu-hook/hook_call.hpp"

#include <array>
#include <utility>

namespace basecache::hook {

std::optional<HookAction> hook_action(int argc, const char* const* argv) {
  constexpr std::array<std::pair<std::string_view, HookAction>, 4> kCalls{{{"prepare begin", HookAction::prepare},
                                                                           {"reconnect begin", HookAction::reconnect},
                                                                           {"stopped end", HookAction::stopped},
                                                                           {"release end", HookAction::release}}};
  if (argc < 4) return std::nullopt;
  const std::string call = std::string(argv[2]) + " " + argv[3];
  for (const auto& [words, action] : kCalls) {
    if (call == words) return action;
  }
  return std::nullopt;
}

std::string_view name_of(HookAction action) {
  switch (action) {
    case HookAction::prepare:
      return "prepare";
    case HookAction::reconnect:
      return "reconnect";
    case HookAction::stopped:
      return "stopped";
    case HookAction::release:
      return "release";
  }
  return "";
}

}  // namespace basecache::hook
