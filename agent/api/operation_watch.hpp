#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "agent/api/operation.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache::api {

// What one client hears of an operation. Used by one thread.
class OperationWatch {
 public:
  explicit OperationWatch(std::shared_ptr<Operation> operation);
  ~OperationWatch();
  OperationWatch(const OperationWatch&) = delete;
  OperationWatch& operator=(const OperationWatch&) = delete;

  const Operation& operation() const { return *operation_; }
  // The client has gone: what isn't shared ends.
  void leave();

  // Readable whenever there may be something new to take; for poll(2). Cleared by clear_news().
  int news_fd() const { return news_.get(); }
  void clear_news();
  // How far it is, when that has changed; the newest replaces the one before.
  std::optional<Progress> take_progress();

 private:
  const std::shared_ptr<Operation> operation_;
  const UniqueFd news_;
  std::uint64_t seen_ = 0;
};

}  // namespace basecache::api
