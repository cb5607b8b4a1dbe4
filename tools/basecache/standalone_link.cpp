#include "tools/basecache/standalone_link.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "backends/glance/image_href.hpp"
#include "tools/basecache/image_service_settings.hpp"

namespace basecache::cli {
namespace {

bool is_url_of_a_file(const std::string& image_ref) {
  return image_ref.find("://") != std::string::npos && !glance::parse_href(image_ref);
}

// Creations and precaching of images that a URL names ask nobody else for them.
bool may_ask_registry(const api::Request& request) {
  const bool prepares = request.target.ends_with("/prepare");
  const bool fetches = request.target == "/v1/cache/images" || request.target.ends_with("/disks") || prepares;
  if (request.method != "POST" || !fetches) return false;
  nlohmann::json body = nlohmann::json::parse(request.body);
  if (prepares) body = body.value("request", nlohmann::json::object());
  const auto image = body.find("image_ref");
  return image == body.end() || !image->is_string() || !is_url_of_a_file(image->get<std::string>());
}

Config without_glance(Config config) {
  config.registry = RegistryChoice::directory;
  return config;
}

}  // namespace

StandaloneLink::Agent::Agent(const Config& config, glance::ImageServiceSettings service)
    : node(config, std::move(service)),
      operations({config.workers, config.queue_limit, config.request_deadline}),
      routes(node.use_cases(), operations) {}

StandaloneLink::Agent& StandaloneLink::agent_for(const api::Request& request) {
  if (may_ask_registry(request)) {
    if (!with_registry_) with_registry_.emplace(config_, image_service_settings_here(config_));
    return *with_registry_;
  }
  if (!without_registry_) without_registry_.emplace(without_glance(config_), glance::ImageServiceSettings());
  return *without_registry_;
}

nlohmann::json StandaloneLink::ask(const api::Request& request, const ProgressSink& progress) {
  const api::Task task = agent_for(request).routes.task(request);
  OpContext op("standalone", signals_.token(), OpContext::Clock::now() + config_.request_deadline, progress);
  if (task.at_first) task.at_first(::geteuid());
  return task.work(op);
}

}  // namespace basecache::cli
