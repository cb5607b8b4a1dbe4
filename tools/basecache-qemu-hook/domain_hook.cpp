#include "tools/basecache-qemu-hook/domain_hook.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/domain/domain_files.hpp"
#include "agent/domain/domain_message.hpp"
#include "agent/domain/metadata_namespaces.hpp"
#include "tools/basecache-qemu-hook/hook_text.hpp"
#include "tools/basecache/socket_link.hpp"

namespace basecache::hook {
namespace {

using domain::DomainOrigin;
using nlohmann::json;

// Where nothing is made.
constexpr std::chrono::seconds kLeaseTime{2};

// What cannot be looked at counts as there: then libvirt tells of it.
bool is_missing(const Path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

// By the names that Nova and the agent give the files of an instance: <directory>/<uuid>/disk, <group>/<uuid>_disk.
bool is_of_instance(const domain::DomainFile& file, const std::string& uuid) {
  const std::string& path = file.path.native();
  const bool is_named =
      path.find("/" + uuid + "/") != std::string::npos || path.find("/" + uuid + "_") != std::string::npos;
  return is_named && (file.role.starts_with("disk ") || file.role == "kernel" || file.role == "initrd");
}

bool is_complete(const domain::KnownDomain& domain) {
  return std::ranges::none_of(domain.files, [&](const domain::DomainFile& file) {
    return is_of_instance(file, domain.uuid) && is_missing(file.path);
  });
}

api::Request request_of(HookAction action, const std::string& uuid, const json& body) {
  return {.method = "POST",
          .target = "/v1/domains/" + uuid + "/" + std::string(name_of(action)),
          .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

std::string goes_on_line(const domain::KnownDomain& domain, const std::string& why) {
  return failure_line("all disks of '" + domain.name + "' are there, so it is started all the same: " + why, "");
}

std::string advice_on(const Path& socket) {
  const bool is_closed_to_us = ::access(socket.c_str(), W_OK) != 0 && errno == EACCES;
  return is_closed_to_us ? "[basecache] socket_group says who may open it" : "systemctl status basecached";
}

// What the requester should hear of although the start goes on; "" where that is nothing.
std::string notes_line(const domain::KnownDomain& domain, const json& answer) {
  std::string text;
  for (const json& note : answer.value("notes", json::array())) text += "; " + note.get<std::string>();
  return text.empty() ? "" : failure_line(domain.name + text, "");
}

}  // namespace

HookResult DomainHook::refusal(std::string line) const {
  return {.is_refusal = config_.hook_failure == HookFailure::refuse, .line = std::move(line)};
}

// With a configuration that can't be read, that may be why.
HookResult DomainHook::refusal(const std::string& why, const std::string& hint) const {
  return refusal(failure_line(why, config_fault_.empty() ? hint : "the defaults count: " + config_fault_));
}

HookResult DomainHook::run(HookAction action, std::string_view xml) const {
  try {
    const domain::DomainRequest told = domain::domain_request(xml);
    if (told.origin == DomainOrigin::foreign) return {};
    const domain::KnownDomain domain = domain::known_domain(xml);
    return action == HookAction::prepare ? prepare(told, domain) : tell(action, domain);
  } catch (const Error& error) {
    if (domain::mentions_ours(xml) && action == HookAction::prepare) return refusal(error.message(), error.hint());
    return {.line = failure_line(error.message(), error.hint())};
  }
}

HookResult DomainHook::prepare(const domain::DomainRequest& told, const domain::KnownDomain& domain) const {
  const bool complete = is_complete(domain);
  const bool is_nova = told.origin == DomainOrigin::nova;
  json body = domain::to_json(domain);
  // Nova has its own ways to change the disks of an instance; what is there of ours may have to grow.
  if (told.request && !(is_nova && complete)) body["request"] = json::parse(*told.request);
  std::optional<Progress> progress;
  try {
    const auto patience =
        body.contains("request") ? config_.hook_deadline : std::min(config_.hook_deadline, kLeaseTime);
    cli::SocketLink agent(config_.socket, start_ + patience);
    const json answer =
        agent.ask(request_of(HookAction::prepare, told.uuid, body), [&](const Progress& now) { progress = now; });
    return {.line = notes_line(domain, answer)};
  } catch (const cli::Unreachable& error) {
    if (complete) return {.line = goes_on_line(domain, error.message)};
    return refusal(error.message, advice_on(config_.socket));
  } catch (const Error& error) {
    if (is_nova && complete) return {.line = goes_on_line(domain, error.message())};
    const bool is_late = error.code() == ErrorCode::timed_out && Clock::now() >= start_ + config_.hook_deadline;
    return is_late ? refusal(not_ready_line(domain.name, progress)) : refusal(error.message(), error.hint());
  } catch (const Cancelled&) {
    return refusal("making the disks of '" + domain.name + "' was cancelled", "start it again");
  }
}

HookResult DomainHook::tell(HookAction action, const domain::KnownDomain& domain) const {
  try {
    cli::SocketLink agent(config_.socket, Clock::now() + std::min(config_.hook_deadline, kLeaseTime));
    agent.ask(request_of(action, domain.uuid, domain::to_json(domain)), [](const Progress&) {});
    return {};
  } catch (const cli::Unreachable& error) {
    return {.line = failure_line(error.message, "")};
  } catch (const Cancelled&) {
    return {};
  }
}

}  // namespace basecache::hook
