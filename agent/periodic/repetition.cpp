#include "agent/periodic/repetition.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <random>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace basecache::periodic {
namespace {

constexpr double kJitter = 0.1;
constexpr std::chrono::seconds kLongestFirstWait{60};

Clock::duration part_of(Clock::duration whole, double part) {
  return std::chrono::duration_cast<Clock::duration>(whole * part);
}

void run_once(const std::string& name, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    log_event(LogLevel::warning, "periodic_work_failed",
              {{"work", name}, {"error", error.message()}, {"hint", error.hint()}});
  } catch (const Cancelled&) {
    log_event(LogLevel::debug, "periodic_work_cancelled", {{"work", name}});
  } catch (const std::exception& error) {
    log_event(LogLevel::error, "periodic_work_failed", {{"work", name}, {"error", error.what()}});
  }
}

}  // namespace

Clock::time_point next_run(Clock::time_point now, std::chrono::seconds interval, double random) {
  return now + part_of(interval, 1 - kJitter + 2 * kJitter * random);
}

Clock::time_point first_run(Clock::time_point now, std::chrono::seconds interval, double random) {
  const Clock::duration most = interval.count() == 0 ? kLongestFirstWait : part_of(interval, kJitter);
  return now + part_of(std::min<Clock::duration>(most, kLongestFirstWait), random);
}

Timing timing_of(std::stop_token stop) {
  const auto engine = std::make_shared<std::minstd_rand>(std::random_device{}());
  Timing timing;
  timing.random = [engine] { return std::uniform_real_distribution<double>(0, 1)(*engine); };
  timing.wait_until = [stop = std::move(stop)](Clock::time_point until) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock guard(mutex);
    stopped.wait_until(guard, stop, until, [] { return false; });
    return !stop.stop_requested();
  };
  return timing;
}

void repeat(const Repetition& repetition, const std::function<void()>& work, const Timing& timing) {
  const auto next = [&] { return next_run(timing.now(), repetition.interval, timing.random()); };
  Clock::time_point begin =
      repetition.is_due_at_start ? first_run(timing.now(), repetition.interval, timing.random()) : next();
  while (timing.wait_until(begin)) {
    run_once(repetition.name, work);
    if (repetition.interval.count() == 0) return;
    begin = next();
  }
}

}  // namespace basecache::periodic
