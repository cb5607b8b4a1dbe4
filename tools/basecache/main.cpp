// basecache: the command line of the agent.

#include <fmt/format.h>

#include "agent/base/log.hpp"
#include "agent/base/process_start.hpp"
#include "agent/base/version.hpp"
#include "agent/composition.hpp"
#include "tools/basecache/command_line.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/complaint.hpp"

namespace {

using namespace basecache;
using namespace basecache::cli;

constexpr int kUsageExit = 2;

void declare(Command root, Session& session) {
  GlobalOptions& options = session.options;
  root.flag("--standalone", options.standalone, "do the work in this process, with no daemon");
  root.option("--socket", options.socket, "the socket of the daemon to ask").excludes("--socket", "--standalone");
  root.option("--config", options.config, fmt::format("configuration file (default: {})", default_config_file));
  root.option("--instances-path", options.instances_path, "where the instances and the cache are");
  root.flag("--json", options.json, "answer in JSON");

  add_create(root, session);
  add_prepare(root, session);
  add_show(root, session);
  add_domain_xml(root, session);
  add_delete(root, session);
  add_config_drive(root, session);
  const Command cache = root.group("cache", "the base files of this node");
  add_cache_list(cache, session);
  add_cache_precache(cache, session);
  add_cache_remove(cache, session);
  add_cache_pin(cache, session);
  add_cache_prune(cache, session);
  add_cache_verify(cache, session);
  add_image(root, session);
  add_inspect(root, session);
  add_ops(root, session);
  add_status(root, session);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto status = basecache::run_as_child(argc, argv)) return *status;
  prepare_process();
  set_log_level(LogLevel::error);
  Session session;
  CommandLine line("basecache", "Images into instance disks, through a cache of base files", kVersion);
  declare(line.root(), session);
  try {
    return line.run(argc, argv, kUsageExit);
  } catch (...) {
    return tell_current(session.options.json);
  }
}
