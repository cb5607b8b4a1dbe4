#pragma once

#include <string>

#include "agent/base/op_context.hpp"
#include "agent/base/stop_on_signal.hpp"
#include "tools/basecache/progress_bar.hpp"
#include "tools/basecache/session.hpp"

namespace basecache::cli {

// Runs `work` here, not in the agent, with a progress bar and Ctrl-C.
template <class Work>
auto attended(const Session& session, const std::string& name, Work&& work) {
  const StopOnSignal signals;
  ProgressBar bar(!session.options.json);
  OpContext op(name, signals.token(), OpContext::Clock::time_point::max(),
               [&bar](const Progress& now) { bar.show(now); });
  return work(op);
}

}  // namespace basecache::cli
