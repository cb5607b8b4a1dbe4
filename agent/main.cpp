// basecached: configuration -> composition -> serve until SIGTERM.

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stop_token>
#include <thread>

#include "agent/api/error_response.hpp"
#include "agent/api/server.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/process_start.hpp"
#include "agent/base/stop_on_signal.hpp"
#include "agent/base/version.hpp"
#include "agent/composition.hpp"
#include "agent/config.hpp"
#include "agent/periodic/own_work.hpp"

namespace {

using namespace basecache;

struct Arguments {
  std::string config, nova_conf, instances_path, socket;
  bool show_config = false;

  ConfigSources sources() const {
    const auto path = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional<Path>(text); };
    return {path(config), path(nova_conf), path(instances_path), path(socket)};
  }
};

void declare(CLI::App& app, Arguments& arguments) {
  app.set_version_flag("--version", std::string("basecached ") + kVersion);
  app.add_option("--config", arguments.config, fmt::format("configuration file (default: {})", default_config_file));
  app.add_option("--nova-conf", arguments.nova_conf, "an existing nova.conf; options that aren't ours are ignored");
  app.add_option("--instances-path", arguments.instances_path, "where the instances and the cache are");
  app.add_option("--socket", arguments.socket, "the socket to serve");
  app.add_flag("--show-config", arguments.show_config, "print what is in force and where it came from, then end");
}

// sd_notify(3): one datagram to the socket that systemd names; a '@' in front is an abstract one.
void notify_service(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                 size);
}

// Wiping a volume takes as long as writing it.
constexpr std::chrono::hours kClearingTime{24};

// Beside the service: volumes may have to be wiped, and LVM may be waiting for a device.
void remove_left_volumes(Node& node, const std::stop_token& stop) {
  try {
    const OpContext op("left-volumes", stop, OpContext::Clock::now() + kClearingTime);
    for (const Path& path : node.remove_left_volumes(op)) {
      log_event(LogLevel::info, "leftover_removed", {{"path", path.native()}});
    }
  } catch (const Error& error) {
    log_event(LogLevel::warning, "volumes_unknown", {{"error", error.message()}, {"hint", error.hint()}});
  } catch (const Cancelled&) {
    // The next start goes on.
  } catch (const std::exception& error) {
    log_event(LogLevel::warning, "volumes_unknown", {{"error", error.what()}});
  }
}

void serve(const Config& config) {
  const StopOnSignal signals;
  Node node(config);
  for (const std::string& lack : node.use_cases().sandbox_lacks) {
    log_event(LogLevel::warning, "sandbox_incomplete", {{"lacks", lack}});
  }
  for (const Path& path : node.recovered()) {
    log_event(LogLevel::info, "leftover_removed", {{"path", path.native()}});
  }
  if (!node.show_life()) {
    log_event(LogLevel::warning, "host_name_shared", {{"instances_path", config.instances_path.native()}});
  }
  api::Operations operations({config.workers, config.queue_limit, config.request_deadline});
  const api::Routes routes(node.use_cases(), operations);
  const std::optional<gid_t> group = api::group_named(config.socket_group);
  api::Server server({config.socket, config.socket_mode, group}, api::PeerPolicy(config.allowed_uids, group), routes,
                     operations);
  log_event(
      LogLevel::info, "ready",
      {{"socket", config.socket.native()}, {"instances_path", config.instances_path.native()}, {"version", kVersion}});
  notify_service("READY=1");
  std::jthread left_volumes([&](const std::stop_token& stop) { remove_left_volumes(node, stop); });
  periodic::OwnWork own_work(node.use_cases(), operations,
                             {.prune_interval = config.prune_interval,
                              .precache = config.precache,
                              .precache_interval = config.precache_interval});
  const std::stop_callback on_signal(signals.token(), [&] {
    left_volumes.request_stop();
    own_work.request_stop();
  });
  server.run(signals.token());
  notify_service("STOPPING=1");
  log_event(LogLevel::info, "stopped");
}

int report(const Error& error) {
  log_event(LogLevel::critical, "cannot_start",
            {{"code", name_of(error.code())}, {"error", error.message()}, {"hint", error.hint()}});
  return api::answer_to(error.code()).exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto status = run_as_child(argc, argv)) return *status;
  prepare_process();
  CLI::App app("basecached: the node-local image cache agent", "basecached");
  Arguments arguments;
  declare(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    const LoadedConfig loaded = load_config(arguments.sources());
    if (arguments.show_config) {
      fmt::print("{}", to_text(loaded));
      return 0;
    }
    set_log_level(loaded.config.log_level);
    serve(loaded.config);
    return 0;
  } catch (const Error& error) {
    return report(error);
  } catch (const std::exception& error) {
    return report(Error(ErrorCode::internal, error.what()));
  }
}
