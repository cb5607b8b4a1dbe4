#include "agent/api/operation_watch.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/error.hpp"

namespace basecache::api {
namespace {

UniqueFd event_descriptor() {
  UniqueFd made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const int error = errno;
  if (!made) throw Error::from_errno(error, "make an event descriptor");
  return made;
}

}  // namespace

OperationWatch::OperationWatch(std::shared_ptr<Operation> operation)
    : operation_(std::move(operation)), news_(event_descriptor()) {
  operation_->add_listener(news_.get());
}

OperationWatch::~OperationWatch() { operation_->remove_listener(news_.get()); }

void OperationWatch::leave() {
  if (!operation_->subject().is_shared) operation_->cancel();
}

void OperationWatch::clear_news() {
  std::uint64_t count = 0;
  (void)!::read(news_.get(), &count, sizeof count);
}

std::optional<Progress> OperationWatch::take_progress() { return operation_->progress_after(seen_); }

}  // namespace basecache::api
