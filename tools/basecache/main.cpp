// basecache: the command line of the agent.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <cstdio>

#include "agent/api/error_response.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/process_start.hpp"
#include "agent/base/version.hpp"
#include "tools/basecache/command_line.hpp"
#include "tools/basecache/commands.hpp"

namespace {

using namespace basecache;
using namespace basecache::cli;

constexpr int kUsageExit = 2;
constexpr int kUnreachableExit = 10;

void declare(Command root, Session& session) {
  GlobalOptions& options = session.options;
  root.flag("--standalone", options.standalone, "do the work in this process, with no daemon");
  root.option("--socket", options.socket, "the socket of the daemon to ask").excludes("--socket", "--standalone");
  root.option("--config", options.config, fmt::format("configuration file (default: {})", default_config_file));
  root.option("--instances-path", options.instances_path, "where the instances and the cache are");
  root.flag("--json", options.json, "answer in JSON");

  add_create(root, session);
  add_show(root, session);
  add_delete(root, session);
  const Command cache = root.group("cache", "the base files of this node");
  add_cache_list(cache, session);
  add_cache_precache(cache, session);
  add_cache_remove(cache, session);
  add_cache_pin(cache, session);
  add_cache_prune(cache, session);
  add_image(root, session);
  add_ops(root, session);
  add_status(root, session);
}

void complain(const std::string& message, const std::string& hint) {
  std::string text = "basecache: " + message + "\n";
  if (!hint.empty()) text += "  hint: " + hint + "\n";
  std::fputs(text.c_str(), stderr);  // fmt::print would throw where stderr is full
}

int report(const Session& session, const Error& error) {
  if (session.options.json) {
    std::fputs((json_text(api::problem(error)) + "\n").c_str(), stderr);
  } else {
    complain(error.message(), error.hint());
  }
  return api::answer_to(error.code()).exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  set_log_level(LogLevel::error);
  Session session;
  CommandLine line("basecache", "Images into instance disks, through a cache of base files", kVersion);
  declare(line.root(), session);
  try {
    return line.run(argc, argv, kUsageExit);
  } catch (const Error& error) {
    return report(session, error);
  } catch (const Cancelled&) {
    complain("cancelled; what had arrived of an image is kept for the next attempt", "");
    return api::kCancelledAnswer.exit_code;
  } catch (const Unreachable& error) {
    complain(error.message, error.hint);
    return kUnreachableExit;
  } catch (const std::exception& error) {
    return report(session, Error(ErrorCode::internal, std::string("unexpected: ") + error.what()));
  }
}
