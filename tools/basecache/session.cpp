#include "tools/basecache/session.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/basecache/progress_bar.hpp"
#include "tools/basecache/socket_link.hpp"
#include "tools/basecache/standalone_link.hpp"

namespace basecache::cli {

const Config& Session::config() {
  if (!config_) {
    const auto path = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional<Path>(text); };
    config_ =
        load_config({path(options.config), std::nullopt, path(options.instances_path), path(options.socket)}).config;
  }
  return *config_;
}

AgentLink& Session::link() {
  if (!link_) {
    if (options.standalone) {
      link_ = std::make_unique<StandaloneLink>(config());
    } else {
      link_ = std::make_unique<SocketLink>(config().socket);
    }
  }
  return *link_;
}

nlohmann::json Session::ask(const api::Request& request) {
  ProgressBar bar(!options.json);
  return link().ask(request, [&bar](const Progress& now) { bar.show(now); });
}

nlohmann::json Session::ask(const std::string& method, const std::string& target) {
  return ask(api::Request{method, target, ""});
}

nlohmann::json Session::ask(const std::string& method, const std::string& target, const nlohmann::json& body) {
  return ask(api::Request{method, target, body.dump()});
}

void Session::show(const nlohmann::json& answer, const std::function<std::string(const nlohmann::json&)>& text) const {
  fmt::print("{}", options.json ? answer.dump(2) + "\n" : text(answer));
  std::fflush(stdout);
}

}  // namespace basecache::cli
