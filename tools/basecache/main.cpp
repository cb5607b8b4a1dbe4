// basecache: the command line of the agent.

#include <fmt/format.h>

#include <signal.h>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/api/error_response.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/version.hpp"
#include "tools/basecache/commands.hpp"

namespace {

using namespace basecache;
using namespace basecache::cli;

constexpr int kUsageExit = 2;
constexpr int kUnreachableExit = 10;

void declare(CLI::App& app, Session& session) {
  app.set_version_flag("--version", std::string("basecache ") + kVersion);
  app.require_subcommand(1);
  auto* standalone =
      app.add_flag("--standalone", session.options.standalone, "do the work in this process, with no daemon");
  app.add_option("--socket", session.options.socket, "the socket of the daemon to ask")->excludes(standalone);
  app.add_option("--config", session.options.config,
                 fmt::format("configuration file (default: {})", default_config_file));
  app.add_option("--instances-path", session.options.instances_path, "where the instances and the cache are");
  app.add_flag("--json", session.options.json, "answer in JSON");

  add_create(app, session);
  add_show(app, session);
  add_delete(app, session);
  CLI::App& cache = *app.add_subcommand("cache", "the base files of this node")->require_subcommand(1);
  add_cache_list(cache, session);
  add_cache_precache(cache, session);
  add_cache_remove(cache, session);
  add_cache_pin(cache, session);
  add_cache_prune(cache, session);
  add_image(app, session);
  add_ops(app, session);
  add_status(app, session);
  // Global options may stand behind the command too.
  const auto all = [](const CLI::App*) { return true; };
  for (CLI::App* command : app.get_subcommands(all)) {
    command->fallthrough();
    for (CLI::App* below : command->get_subcommands(all)) below->fallthrough();
  }
}

void complain(const std::string& message, const std::string& hint) {
  fmt::print(stderr, "basecache: {}\n", message);
  if (!hint.empty()) fmt::print(stderr, "  hint: {}\n", hint);
}

int report(const Session& session, const Error& error) {
  if (session.options.json) {
    fmt::print(stderr, "{}\n", api::problem(error).dump(2));
  } else {
    complain(error.message(), error.hint());
  }
  return api::answer_to(error.code()).exit_code;
}

int usage(const CLI::App& app, const CLI::ParseError& error) {
  const int code = app.exit(error);
  return code == 0 ? 0 : kUsageExit;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  set_log_level(LogLevel::error);
  Session session;
  CLI::App app("basecache: images into instance disks, through a cache of base files", "basecache");
  declare(app, session);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return usage(app, error);
  } catch (const Error& error) {
    return report(session, error);
  } catch (const Cancelled&) {
    complain("cancelled; nothing of it remains", "");
    return api::kCancelledAnswer.exit_code;
  } catch (const Unreachable& error) {
    complain(error.message, error.hint);
    return kUnreachableExit;
  } catch (const std::exception& error) {
    return report(session, Error(ErrorCode::internal, std::string("unexpected: ") + error.what()));
  }
}
