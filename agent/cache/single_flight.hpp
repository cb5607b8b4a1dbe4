#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/base/worker_pool.hpp"
#include "agent/cache/lease.hpp"

namespace basecache::cache {

// One build a name in this process. The first caller starts it on a thread of its own, so that no caller's leaving
// disturbs the others; later ones join. Every caller sees the build's progress. When the last one has left, the build
// is cancelled.
class SingleFlight {
 public:
  using Build = std::function<BaseFileLease(OpContext& build_op)>;

  explicit SingleFlight(std::size_t concurrent_builds);
  ~SingleFlight();  // cancels what runs and waits for it

  // Throws what the build threw; Cancelled or Error(timed_out) when the caller leaves. `build` must own what it uses:
  // it may outlive the caller that brought it. It transfers with the token of the caller who started it, as fast as the
  // fastest who ever joined wants. What a source says to one requester it needn't say to another (Glance has "no such
  // image" for whom it isn't shared with): who joined a build that a source failed, and has another token than its
  // starter, tries once more, with none but those who show the same token.
  // An operation that works ahead begins when a thread is free for it, and starts again later when somebody who waits
  // has no thread to build on; what its transfer has brought is gone on with. Whoever joins it makes it his own.
  BaseFileLease run(const std::string& name, OpContext& op, const Build& build);

  // How many wait for the build of that name now.
  std::size_t callers(const std::string& name);
  void cancel_all();

 private:
  struct Flight;
  using FlightPtr = std::shared_ptr<Flight>;

  // With a free thread, or a flight of that name to join. Cancelled or Error(timed_out) as `op` is.
  void wait_for_room(const std::string& name, const OpContext& op);
  BaseFileLease run_now(const std::string& name, OpContext& op, const Build& build);
  // `another`: set when the build was started with another token than the caller's.
  BaseFileLease ride(const std::string& name, OpContext& op, const Build& build, bool& another);
  // `started`: this caller's build was taken, not another's joined.
  FlightPtr join_or_start(const std::string& name, const OpContext& op, Build build, bool& started);
  FlightPtr start(const std::string& name, const OpContext& op, Build build);
  // Those that somebody's build takes the place of. Nobody joins them any more; the caller stops them.
  std::vector<FlightPtr> those_giving_way();
  void fly(const FlightPtr& flight, OpContext& build_op, const Build& build);
  void leave(const FlightPtr& flight);

  const std::size_t most_;
  std::mutex mutex_;
  std::map<std::string, FlightPtr> flights_;
  std::size_t unfinished_ = 0;  // builds that have a thread or wait for one
  std::condition_variable_any finished_;
  WorkerPool builders_;  // last: its destructor waits for builds, which use the members above
};

}  // namespace basecache::cache
