#include "tools/basecache/session.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "tools/basecache/complaint.hpp"
#include "tools/basecache/progress_bar.hpp"
#include "tools/basecache/socket_link.hpp"
#include "tools/basecache/standalone_link.hpp"
#include "tools/basecache/terminal_text.hpp"

namespace basecache::cli {
namespace {

// The requester's own; empty without one.
Secret own_token() {
  const char* token = std::getenv("OS_TOKEN");
  if (token == nullptr) return {};
  if (std::ranges::none_of(std::string_view(token), [](char c) { return c == '\r' || c == '\n'; }))
    return Secret(token);
  throw Error(ErrorCode::invalid_request, "the token of OS_TOKEN has a line end in it, so it is none")
      .set_hint("set OS_TOKEN to the token alone: export OS_TOKEN=$(openstack token issue -f value -c id)");
}

}  // namespace

std::string json_text(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

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

nlohmann::json Session::ask(api::Request request) {
  ProgressBar bar(!options.json);
  // Who has a token in the environment acts with it; everything else OpenStack's variables say is for --standalone and
  // the image commands, which talk to the registry themselves.
  request.token = own_token();
  return link().ask(request, [&bar](const Progress& now) { bar.show(now); });
}

nlohmann::json Session::ask(const std::string& method, const std::string& target) {
  return ask(api::Request{.method = method, .target = target, .body = ""});
}

nlohmann::json Session::ask(const std::string& method, const std::string& target, const nlohmann::json& body) {
  try {
    return ask(api::Request{.method = method, .target = target, .body = body.dump()});
  } catch (const nlohmann::json::type_error&) {
    throw Error(ErrorCode::invalid_request, "what is asked for has text in it that isn't UTF-8")
        .set_hint("name images, instances and files in UTF-8");
  }
}

nlohmann::json Session::fetch(const std::string& target, const nlohmann::json& body) {
  try {
    return ask("POST", target, body);
  } catch (const Cancelled&) {
    throw Told{tell_cancelled("what had arrived of an image is kept for the next attempt", options.json)};
  }
}

void Session::show(const nlohmann::json& answer, const std::function<std::string(const nlohmann::json&)>& text) const {
  write_out(options.json ? json_text(answer) + "\n" : harmless(text(answer)));
}

void write_out(std::string_view shown) {
  const bool written = std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size() && std::fflush(stdout) == 0;
  const int error = errno;
  // A reader that has gone (head, less) has seen enough.
  if (!written && error != EPIPE) throw Error::from_errno(error, "write the answer");
}

}  // namespace basecache::cli
