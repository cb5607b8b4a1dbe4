// basecache-qemu-hook: libvirt calls it as its hook for QEMU, NAME OPERATION SUB-OPERATION EXTRA, with the domain's
// description on stdin. Most domains aren't ours: those cost next to nothing, and never fail because of us.

#include <poll.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/base/process_start.hpp"
#include "agent/config.hpp"
#include "agent/domain/domain_files.hpp"
#include "tools/basecache-qemu-hook/domain_hook.hpp"

namespace {

using namespace basecache;
using namespace basecache::hook;
using Clock = DomainHook::Clock;

// libvirt writes at once; nobody else is waited for.
constexpr std::chrono::seconds kDescriptionTime{5};
constexpr std::size_t kBlock = 64 * 1024;

bool wait_for_input(Clock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, static_cast<int>(std::max<decltype(left)>(0, left)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// All of stdin; nothing when it doesn't end, or is none.
std::optional<std::string> read_description(Clock::time_point until) {
  std::string text;
  while (text.size() <= domain::kLongestDescription.count && wait_for_input(until)) {
    const std::size_t before = text.size();
    text.resize(before + kBlock);
    const ssize_t count = ::read(STDIN_FILENO, text.data() + before, kBlock);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(0, count)));
    if (count == 0) return text;
    if (count < 0 && errno != EINTR) return std::nullopt;
  }
  return std::nullopt;
}

// libvirt clears the environment: only a script that stands in our place can name another file. An ordinary user's
// libvirt calls the same hook, and may not be able to read the file.
Config config_in_force() {
  try {
    ConfigSources sources;
    if (const char* file = std::getenv("BASECACHE_CONFIG")) sources.config_file = file;
    return load_config(sources).config;
  } catch (const Error&) {
    return {};
  }
}

// Its own line, which libvirt never shows.
void log(const std::string& line) {
  ::openlog("basecache-qemu-hook", LOG_PID, LOG_DAEMON);
  ::syslog(LOG_WARNING, "%s", line.c_str());
}

int run(HookAction action, Clock::time_point start) {
  const auto xml = read_description(start + kDescriptionTime);
  if (!xml || !domain::may_be_ours(*xml)) return EXIT_SUCCESS;
  const Config config = config_in_force();
  const HookResult result = DomainHook(config, start).run(action, *xml);
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
