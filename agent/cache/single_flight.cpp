#include "agent/cache/single_flight.hpp"

#include <condition_variable>
#include <exception>
#include <list>
#include <optional>
#include <utility>
#include <variant>

#include "agent/base/digest.hpp"
#include "agent/base/error.hpp"

namespace basecache::cache {
namespace {

// A build has no deadline of its own: its callers have, and the last one to leave stops it.
constexpr std::chrono::hours kNoDeadline{24 * 365};
// Builds wait here for a thread; their callers are bounded by the worker pool that runs requests.
constexpr std::size_t kBuildQueue = 100'000;

// Hands one build's progress to everybody who waits for it; who comes later is told how far it is at once.
class ProgressFan {
 public:
  using Seat = std::list<ProgressSink>::iterator;

  Seat add(ProgressSink sink) {
    const std::lock_guard guard(mutex_);
    if (sink && last_) sink(*last_);
    return sinks_.insert(sinks_.end(), std::move(sink));
  }
  void remove(Seat seat) {
    const std::lock_guard guard(mutex_);
    sinks_.erase(seat);
  }
  void report(const Progress& progress) {
    const std::lock_guard guard(mutex_);
    last_ = progress;
    for (const ProgressSink& sink : sinks_) {
      if (sink) sink(progress);
    }
  }

 private:
  std::mutex mutex_;
  std::list<ProgressSink> sinks_;
  std::optional<Progress> last_;
};

// A build ahead of need was stopped for one that somebody waits for.
struct GaveWay {};

// The key of the base file.
std::string subject_of(const std::string& flight_name) { return flight_name.substr(0, flight_name.find(' ')); }

// What the source itself said, rather than the bytes, this node or a caller.
bool is_answer_of_source(ErrorCode code) {
  return code == ErrorCode::image_not_found || code == ErrorCode::source_unauthorized ||
         code == ErrorCode::source_unavailable;
}

}  // namespace

struct SingleFlight::Flight {
  // An Error is kept by value: each caller throws a copy of its own and adds its own context to it.
  using Outcome = std::variant<std::monostate, BaseFileLease, Error, Cancelled, std::exception_ptr>;

  Flight(std::string flight_name, const TransferOptions& starters)
      : name(std::move(flight_name)),
        transfers{.token = starters.token, .bytes_per_second = starters.bytes_per_second.unshared()} {}

  const std::string name;
  TransferOptions transfers;
  ProgressFan fan;
  std::stop_source stop;
  std::condition_variable_any landed;
  // Guarded by SingleFlight::mutex_.
  std::size_t callers = 0;
  bool waits = false;                                                                // for a thread
  const OpContext::AheadMark is_ahead = std::make_shared<std::atomic<bool>>(false);  // all of its callers work ahead
  bool gave_way = false;
  Outcome outcome;
  std::vector<Step> steps;
  std::vector<std::string> notes;
};

SingleFlight::SingleFlight(std::size_t concurrent_builds)
    : most_(concurrent_builds), builders_("build", concurrent_builds, kBuildQueue) {}

SingleFlight::~SingleFlight() { cancel_all(); }

std::size_t SingleFlight::callers(const std::string& name) {
  const std::lock_guard guard(mutex_);
  const auto found = flights_.find(name);
  return found == flights_.end() ? 0 : found->second->callers;
}

void SingleFlight::cancel_all() {
  std::map<std::string, FlightPtr> running;
  {
    const std::lock_guard guard(mutex_);
    running.swap(flights_);
  }
  for (const auto& [name, flight] : running) flight->stop.request_stop();
}

SingleFlight::FlightPtr SingleFlight::join_or_start(const std::string& name, const OpContext& op, Build build,
                                                    bool& started) {
  std::vector<FlightPtr> giving_way;
  FlightPtr flight;
  {
    const std::lock_guard guard(mutex_);
    const auto found = flights_.find(name);
    started = found == flights_.end();
    if (!started) {
      ++found->second->callers;
      if (op.is_ahead()) return found->second;
      *found->second->is_ahead = false;
      found->second->transfers.bytes_per_second.raise_to(op.transfers().bytes_per_second);
      return found->second;
    }
    if (!op.is_ahead()) giving_way = those_giving_way();
    flight = start(name, op, std::move(build));
  }
  for (const FlightPtr& other : giving_way) other->stop.request_stop();
  return flight;
}

SingleFlight::FlightPtr SingleFlight::start(const std::string& name, const OpContext& op, Build build) {
  auto flight = std::make_shared<Flight>(name, op.transfers());
  flight->callers = 1;
  *flight->is_ahead = op.is_ahead();
  flight->waits = builders_.is_busy();
  builders_.submit([this, flight, id = op.id(), hook_wait = op.hook_wait(), work = std::move(build)] {
    OpContext build_op(id, flight->stop.get_token(), OpContext::Clock::now() + kNoDeadline,
                       [&fan = flight->fan](const Progress& progress) { fan.report(progress); });
    build_op.set_transfers(flight->transfers);
    build_op.set_hook_wait(hook_wait);
    build_op.set_ahead(flight->is_ahead);
    fly(flight, build_op, work);
  });
  ++unfinished_;
  flights_.emplace(name, flight);
  return flight;
}

std::vector<SingleFlight::FlightPtr> SingleFlight::those_giving_way() {
  std::vector<FlightPtr> found;
  if (unfinished_ < most_) return found;
  for (const auto& [name, flight] : flights_) {
    if (*flight->is_ahead) found.push_back(flight);
  }
  for (const FlightPtr& flight : found) {
    flight->gave_way = true;
    flights_.erase(flight->name);
  }
  return found;
}

void SingleFlight::fly(const FlightPtr& flight, OpContext& build_op, const Build& build) {
  {
    const std::lock_guard guard(mutex_);
    flight->waits = false;
  }
  Flight::Outcome outcome;
  try {
    build_op.check();
    outcome = build(build_op);
  } catch (const Error& error) {
    outcome = error;
  } catch (const Cancelled& cancelled) {
    outcome = cancelled;
  } catch (...) {
    outcome = std::current_exception();
  }
  const std::lock_guard guard(mutex_);
  flight->outcome = std::move(outcome);
  flight->steps = build_op.steps().steps();
  flight->notes = build_op.notes();
  const auto found = flights_.find(flight->name);
  if (found != flights_.end() && found->second == flight) flights_.erase(found);
  flight->landed.notify_all();
  --unfinished_;
  finished_.notify_all();
}

void SingleFlight::leave(const FlightPtr& flight) {
  Flight::Outcome landed;
  {
    const std::lock_guard guard(mutex_);
    if (--flight->callers > 0) return;
    if (flight->outcome.index() != 0) {
      // The lease ends with its last caller, not with the thread that made it, which may not have let go yet.
      landed = std::exchange(flight->outcome, Cancelled{});
      return;
    }
    // Nobody may join a build that is being stopped: the next caller starts afresh and meets this one at the file lock.
    const auto found = flights_.find(flight->name);
    if (found != flights_.end() && found->second == flight) flights_.erase(found);
  }
  flight->stop.request_stop();
}

BaseFileLease SingleFlight::run(const std::string& name, OpContext& op, const Build& build) {
  while (op.is_ahead()) {
    wait_for_room(name, op);
    try {
      return run_now(name, op, build);
    } catch (const GaveWay&) {
      // Its turn comes again.
    }
  }
  return run_now(name, op, build);
}

void SingleFlight::wait_for_room(const std::string& name, const OpContext& op) {
  std::unique_lock guard(mutex_);
  const auto may_go = [&] { return unfinished_ < most_ || flights_.contains(name); };
  if (may_go()) return;
  guard.unlock();
  op.report({.step = "wait", .subject = subject_of(name), .done = 0, .total = std::nullopt});
  guard.lock();
  if (finished_.wait_until(guard, op.stop(), op.deadline(), may_go)) return;
  guard.unlock();
  op.check();
  throw Cancelled{};
}

BaseFileLease SingleFlight::run_now(const std::string& name, OpContext& op, const Build& build) {
  bool another = false;
  try {
    return ride(name, op, build, another);
  } catch (const Error& error) {
    if (!another || !is_answer_of_source(error.code())) throw;
  }
  const std::string& token = op.transfers().token.reveal();
  return ride(name + " " + hex_digest(DigestAlgorithm::sha256, token), op, build, another);
}

BaseFileLease SingleFlight::ride(const std::string& name, OpContext& op, const Build& build, bool& another) {
  const auto begin = OpContext::Clock::now();
  bool started = false;
  const FlightPtr flight = join_or_start(name, op, build, started);
  another = flight->transfers.token.reveal() != op.transfers().token.reveal();
  const auto seat = flight->fan.add(op.progress());
  std::optional<Flight::Outcome> outcome;
  std::vector<Step> steps;
  std::vector<std::string> notes;
  bool gave_way = false;
  {
    std::unique_lock guard(mutex_);
    if (flight->waits) {
      guard.unlock();
      op.report({.step = "wait", .subject = subject_of(name), .done = 0, .total = std::nullopt});
      guard.lock();
    }
    flight->landed.wait_until(guard, op.stop(), op.deadline(), [&] { return flight->outcome.index() != 0; });
    if (flight->outcome.index() != 0) {
      outcome = flight->outcome;
      gave_way = flight->gave_way && !std::holds_alternative<BaseFileLease>(*outcome);
      steps = flight->steps;
      notes = flight->notes;
    }
  }
  flight->fan.remove(seat);
  leave(flight);

  if (!outcome) {
    op.check();
    throw Cancelled{};
  }
  if (gave_way) throw GaveWay{};
  if (!started) steps = {Step{"wait", OpContext::Clock::now() - begin}};
  for (Step& step : steps) op.steps().add(std::move(step));
  for (std::string& note : notes) op.note(std::move(note));
  if (const auto* error = std::get_if<Error>(&*outcome)) throw Error(*error);
  if (std::holds_alternative<Cancelled>(*outcome)) throw Cancelled{};
  if (const auto* failure = std::get_if<std::exception_ptr>(&*outcome)) std::rethrow_exception(*failure);
  const auto& lease = std::get<BaseFileLease>(*outcome);
  return started ? lease : lease.joined();
}

}  // namespace basecache::cache
