#pragma once

#include <utility>

#include "agent/base/hook_wait.hpp"

namespace basecache {

// A hook that waits for as long as this lives.
class WaitingHook {
 public:
  explicit WaitingHook(HookWait wait) : wait_(std::move(wait)) { wait_.raise(); }
  WaitingHook(const WaitingHook&) = delete;
  WaitingHook& operator=(const WaitingHook&) = delete;
  ~WaitingHook() { wait_.lower(); }

 private:
  HookWait wait_;
};

}  // namespace basecache
