#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/base/hook_wait.hpp"
#include "agent/base/progress.hpp"
#include "agent/base/rate_limit.hpp"
#include "agent/base/secret.hpp"
#include "agent/base/step_timer.hpp"

namespace basecache {

// How the operation's own transfers are made.
struct TransferOptions {
  Secret token;                // the requester's, for servers that know it; empty: our own
  RateLimit bytes_per_second;  // at most; may be raised while a transfer runs
};

// What travels with one operation: who asked, until when, how to stop, where progress goes.
// Checked at each chunk and each wait. Owned by the operation's door; used by one thread at a time.
class OpContext {
 public:
  using Clock = std::chrono::steady_clock;

  OpContext(std::string operation_id, std::stop_token stop, Clock::time_point deadline, ProgressSink progress = {});

  const std::string& id() const { return id_; }
  const std::stop_token& stop() const { return stop_; }
  Clock::time_point deadline() const { return deadline_; }

  // Throws Cancelled, or Error(timed_out).
  void check() const;
  // As check(), after waiting for `duration`, a stop or the deadline, whichever comes first.
  void wait_for(std::chrono::nanoseconds duration) const;

  void report(const Progress& progress) const;
  const ProgressSink& progress() const { return progress_; }
  StepTimer& steps() { return steps_; }

  // What the requester should hear of although the operation goes on: a place that failed and was gone round. Told with
  // the result. No secrets.
  void note(std::string text) { notes_.push_back(std::move(text)); }
  const std::vector<std::string>& notes() const { return notes_; }

  const TransferOptions& transfers() const { return transfers_; }
  void set_transfers(TransferOptions options) { transfers_ = std::move(options); }

  // While it is on, nothing that waits for libvirt may be called. Of the whole daemon, not of this operation alone.
  const HookWait& hook_wait() const { return hook_wait_; }
  void set_hook_wait(HookWait wait) { hook_wait_ = std::move(wait); }

  // Work for a need that nobody has yet: it gives way to what somebody waits for.
  // What it makes may become somebody's while it runs: whoever set the mark takes it back then.
  using AheadMark = std::shared_ptr<std::atomic<bool>>;
  bool is_ahead() const { return ahead_ && *ahead_; }
  void set_ahead() { ahead_ = std::make_shared<std::atomic<bool>>(true); }
  void set_ahead(AheadMark mark) { ahead_ = std::move(mark); }

 private:
  std::string id_;
  std::stop_token stop_;
  Clock::time_point deadline_;
  ProgressSink progress_;
  StepTimer steps_;
  TransferOptions transfers_;
  HookWait hook_wait_;
  AheadMark ahead_;
  std::vector<std::string> notes_;
};

}  // namespace basecache
