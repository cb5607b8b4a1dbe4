#include "agent/base/step_timer.hpp"

namespace basecache {

StepTimer::Scope::Scope(StepTimer& timer, std::string name)
    : timer_(timer), name_(std::move(name)), begin_(std::chrono::steady_clock::now()) {}

StepTimer::Scope::~Scope() {
  try {
    timer_.add({std::move(name_), std::chrono::steady_clock::now() - begin_});
  } catch (...) {
    // Without memory for a timing the operation itself still goes on.
  }
}

}  // namespace basecache
