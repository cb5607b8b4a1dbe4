#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "agent/base/unique_fd.hpp"

namespace basecache {

// A descriptor that becomes readable once `token` asks to stop, for poll(2) beside other descriptors.
class StopEvent {
 public:
  explicit StopEvent(std::stop_token token);
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::optional<std::stop_callback<std::function<void()>>> callback_;
};

}  // namespace basecache
