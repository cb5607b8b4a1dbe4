#pragma once

#include <atomic>
#include <memory>

namespace basecache {

// Whether a libvirt hook waits for an operation. While it does, libvirt holds the lock of its domain: who asked libvirt
// then would wait for the hook, which waits for him. Copies share it: a build that a hook's request joins is waited for
// by a hook from then on. Never taken back.
class HookWait {
 public:
  bool is_on() const { return *on_; }
  void raise() { *on_ = true; }

 private:
  std::shared_ptr<std::atomic<bool>> on_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace basecache
