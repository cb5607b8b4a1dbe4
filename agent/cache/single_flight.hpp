#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

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
  BaseFileLease run(const std::string& name, OpContext& op, const Build& build);

  // How many wait for the build of that name now.
  std::size_t callers(const std::string& name);
  void cancel_all();

 private:
  struct Flight;
  using FlightPtr = std::shared_ptr<Flight>;

  // `another`: set when the build was started with another token than the caller's.
  BaseFileLease ride(const std::string& name, OpContext& op, const Build& build, bool& another);
  // `started`: this caller's build was taken, not another's joined.
  FlightPtr join_or_start(const std::string& name, const OpContext& op, Build build, bool& started);
  void fly(const FlightPtr& flight, OpContext& build_op, const Build& build);
  void leave(const FlightPtr& flight);

  std::mutex mutex_;
  std::map<std::string, FlightPtr> flights_;
  WorkerPool builders_;  // last: its destructor waits for builds, which use the members above
};

}  // namespace basecache::cache
