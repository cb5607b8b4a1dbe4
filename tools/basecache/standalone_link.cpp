#include "tools/basecache/standalone_link.hpp"

#include <nlohmann/json.hpp>

#include "tools/basecache/image_service_settings.hpp"

namespace basecache::cli {

StandaloneLink::StandaloneLink(const Config& config)
    : deadline_(config.request_deadline),
      node_(config, image_service_settings_here(config)),
      operations_({config.workers, config.queue_limit, config.request_deadline}),
      routes_(node_.use_cases(), operations_) {}

nlohmann::json StandaloneLink::ask(const api::Request& request, const ProgressSink& progress) {
  const api::Task task = routes_.task(request);
  OpContext op("standalone", signals_.token(), OpContext::Clock::now() + deadline_, progress);
  return task.work(op);
}

}  // namespace basecache::cli
