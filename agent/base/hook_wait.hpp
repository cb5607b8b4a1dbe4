#pragma once

#include <atomic>
#include <memory>

namespace basecache {

// Whether libvirt hooks wait for this process, whatever for. While one does, libvirt holds the lock of its domain: who
// asked libvirt then would wait for the hook, which may wait for him, or for what he has: the lock of a base file, a
// thread to build on, the turn to make room. Copies share one count; the daemon has one, and all that it does looks at
// that. Safe for threads.
class HookWait {
 public:
  bool is_on() const { return *waiting_ > 0; }
  void raise() { ++*waiting_; }
  void lower() { --*waiting_; }

 private:
  std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace basecache
