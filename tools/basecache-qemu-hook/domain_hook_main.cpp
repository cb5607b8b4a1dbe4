// basecache-domain-hook: what basecache-qemu-hook becomes for a domain that may be ours; called like that one.

#include <syslog.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/process_start.hpp"
#include "agent/config.hpp"
#include "agent/domain/domain_files.hpp"
#include "tools/basecache-qemu-hook/domain_hook.hpp"
#include "tools/basecache/standard_input.hpp"

namespace {

using namespace basecache;
using namespace basecache::hook;
using Clock = DomainHook::Clock;

// Its own line, which libvirt never shows.
void log(const std::string& line) {
  ::openlog("basecache-qemu-hook", LOG_PID, LOG_DAEMON);
  ::syslog(LOG_WARNING, "%s", line.c_str());
}

// libvirt clears the environment: only a script that stands in our place can name another file. An ordinary user's
// libvirt calls the same hook, and may not be able to read the file. `fault`: why the defaults are in force.
Config config_in_force(std::string& fault) {
  try {
    ConfigSources sources;
    if (const char* file = std::getenv("BASECACHE_CONFIG")) sources.config_file = file;
    return load_config(sources).config;
  } catch (const Error& error) {
    fault = error.message();
    log("the defaults count: " + fault);
    return {};
  }
}

int run(HookAction action, Clock::time_point start) {
  const std::string xml = cli::read_standard_input(domain::kLongestDescription);
  std::string fault;
  const Config config = config_in_force(fault);
  const HookResult result = DomainHook(config, start, fault).run(action, xml);
  if (result.is_refusal) {
    (void)!::write(STDERR_FILENO, result.line.data(), result.line.size());
    return EXIT_FAILURE;
  }
  if (!result.line.empty()) log(result.line);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  const auto start = Clock::now();
  const auto action = hook_action(argc, argv);
  if (!action) return EXIT_SUCCESS;
  try {
    basecache::prepare_process();
    return run(*action, start);
  } catch (const std::exception& error) {  // a bug, or no memory: libvirt's own checks tell what is missing
    log(error.what());
    return EXIT_SUCCESS;
  }
}
