#include "tools/basecache-qemu-hook/hook_call.hpp"

namespace basecache::hook {

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
