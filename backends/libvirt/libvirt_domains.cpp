#include "backends/libvirt/libvirt_domains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/filesystem/operations.hpp>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "agent/base/error.hpp"
#include "agent/base/subprocess.hpp"
#include "backends/libvirt/domain_lines.hpp"
#include "backends/libvirt/list_program.hpp"

namespace basecache::libvirt {
namespace {

constexpr std::chrono::milliseconds kLookForHooks{50};

Error hook_waits() {
  return {ErrorCode::busy, "libvirt isn't asked for its domains while one of them waits for its disks to start"};
}

// Stops a wait for libvirt with its operation, or as soon as a hook waits.
class Patience {
 public:
  Patience(const OpContext& op, std::chrono::seconds patience)
      : hook_wait_(op.hook_wait()),
        with_operation_(op.stop(), [this] { stop_.request_stop(); }),
        waiting_("domains", stop_.get_token(), std::min(op.deadline(), OpContext::Clock::now() + patience)),
        watcher_([this](const std::stop_token& end) { watch(end); }) {}

  const OpContext& waiting() const { return waiting_; }

 private:
  void watch(const std::stop_token& end) {
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    while (!hook_wait_.is_on()) {
      ended.wait_for(lock, end, kLookForHooks, [] { return false; });
      if (end.stop_requested()) return;
    }
    stop_.request_stop();
  }

  HookWait hook_wait_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> with_operation_;
  OpContext waiting_;
  std::jthread watcher_;
};

// Where libvirt looks for a user's own daemon.
std::vector<std::string> environment() {
  std::vector<std::string> variables{"LIBVIRT_AUTOSTART=0"};
  for (const char* name : {"HOME", "XDG_RUNTIME_DIR"}) {
    if (const char* const value = std::getenv(name)) variables.push_back(fmt::format("{}={}", name, value));
  }
  return variables;
}

}  // namespace

bool is_installed(const Path& root) {
  constexpr std::array kSigns{"usr/sbin/libvirtd", "usr/sbin/virtqemud",       "usr/sbin/virtlxcd",
                              "usr/sbin/virtvzd",  "run/libvirt/libvirt-sock", "run/libvirt/virtqemud-sock"};
  return std::ranges::any_of(kSigns, [&](const char* sign) {
    boost::system::error_code unknown;
    return boost::filesystem::status(root / sign, unknown).type() != boost::filesystem::file_not_found;
  });
}

std::string default_uri(model::VirtType type) {
  if (type == model::VirtType::lxc) return "lxc:///";
  return type == model::VirtType::parallels ? "parallels:///system" : "qemu:///system";
}

std::vector<domain::KnownDomain> LibvirtDomains::domains(const OpContext& op) const {
  if (op.hook_wait().is_on()) throw hook_waits();
  const Patience patience(op, settings_.patience);
  DomainLines lines;
  try {
    const CompletedProcess done = run({.argv = {settings_.program.native(), kListArgument, settings_.uri},
                                       .environment = environment(),
                                       .on_stdout = [&](std::string_view bytes) { lines.take(bytes); }},
                                      patience.waiting());
    require_success(done, "ask libvirt for its domains");
    return lines.finish();
  } catch (const Cancelled&) {
    op.check();
    throw hook_waits();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timed_out) throw;
    op.check();
    throw Error(ErrorCode::timed_out, fmt::format("libvirt at {} didn't tell its domains within {} s", settings_.uri,
                                                  settings_.patience.count()))
        .set_hint("see whether 'virsh list' answers");
  }
}

}  // namespace basecache::libvirt
