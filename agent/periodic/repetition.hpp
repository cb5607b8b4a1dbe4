#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

namespace basecache::periodic {

using Clock = std::chrono::steady_clock;

// When the next run begins: an interval after the last one has ended, give or take a tenth, so that the nodes of a rack
// don't all ask the registry in the same second. `random`: 0 to 1.
Clock::time_point next_run(Clock::time_point now, std::chrono::seconds interval, double random);

// When a first run begins that is due at the start: within a tenth of the interval, at most a minute. Racks are
// switched on as one.
Clock::time_point first_run(Clock::time_point now, std::chrono::seconds interval, double random);

// What time is for who repeats something; tests bring their own.
struct Timing {
  std::function<Clock::time_point()> now = &Clock::now;
  std::function<double()> random;                           // 0 to 1
  std::function<bool(Clock::time_point until)> wait_until;  // false: a stop was asked for
};
// The real one, of a thread of its own.
Timing timing_of(std::stop_token stop);

struct Repetition {
  std::string name;                 // for the log
  std::chrono::seconds interval{};  // 0: once
  bool is_due_at_start = false;
};

// Runs `work` until a stop is asked for, one run behind the other. What it throws is logged, and the next run comes.
void repeat(const Repetition& repetition, const std::function<void()>& work, const Timing& timing);

}  // namespace basecache::periodic
