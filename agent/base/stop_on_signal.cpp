#include "agent/base/stop_on_signal.hpp"

#include <pthread.h>

#include <cstdlib>

namespace basecache {
namespace {

constexpr int kWakeUp = SIGUSR2;  // of the waiting thread alone, to end it

}  // namespace

StopOnSignal::StopOnSignal() {
  ::sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, kWakeUp}) ::sigaddset(&signals_, number);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& done) { wait(done); });
}

StopOnSignal::~StopOnSignal() {
  waiter_.request_stop();
  ::pthread_kill(waiter_.native_handle(), kWakeUp);
}

void StopOnSignal::wait(const std::stop_token& done) {
  while (!done.stop_requested()) {
    int number = 0;
    ::sigwait(&signals_, &number);
    if (number == kWakeUp) continue;
    if (!stop_.request_stop()) std::_Exit(128 + number);
  }
}

}  // namespace basecache
