#include "agent/api/routes.hpp"

#include <algorithm>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/split.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/api/messages.hpp"
#include "agent/api/operations.hpp"
#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/base/version.hpp"

namespace basecache::api {
namespace {

using nlohmann::json;

// What stands between slashes; the query with its '?' is one of its own, and its value another one.
std::vector<std::string> segments_of(const std::string& target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  std::vector<std::string> segments;
  const std::string path = target.substr(0, query);
  boost::split(segments, path, [](char c) { return c == '/'; });
  if (query == target.size()) return segments;
  const std::size_t value = std::min(target.find('=', query), target.size() - 1) + 1;
  segments.push_back(target.substr(query, value - query));
  segments.push_back(target.substr(value));
  return segments;
}

// What stands at the "{...}" places of `pattern`; nothing when the target is another one. Nothing is percent-decoded:
// no name that is valid here needs it, and what isn't valid is refused as it is.
std::optional<std::vector<std::string>> match(const std::string& pattern, const std::string& target) {
  const auto expected = segments_of(pattern);
  const auto found = segments_of(target);
  if (expected.size() != found.size()) return std::nullopt;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].starts_with('{')) {
      names.push_back(found[i]);
    } else if (expected[i] != found[i]) {
      return std::nullopt;
    }
  }
  return names;
}

model::CacheKey key_named(const std::string& name) {
  if (auto key = model::CacheKey::parse(name)) return *std::move(key);
  throw Error(ErrorCode::invalid_request, "key " + quote(name, 80) + " is not the name of a base file")
      .add_field("field", "key")
      .set_hint("'basecache cache list' shows the keys");
}

Task operation(std::string kind, std::string subject, Work work) {
  return long_task({std::move(kind), std::move(subject)}, std::move(work));
}

// The registry is asked with the requester's own token.
Task with_token(Task task, const Secret& token) {
  if (token.empty()) return task;
  task.work = [token, work = std::move(task.work)](OpContext& op) {
    op.set_transfers({.token = token, .bytes_per_second = {}});
    return work(op);
  };
  return task;
}

// Asks the hypervisor, which may take its time.
Task while_asked(Work work) {
  Task task = at_once(std::move(work));
  task.ends_with_client = true;
  return task;
}

}  // namespace

Task at_once(Work work) { return {.subject = {}, .is_long = false, .work = std::move(work)}; }

Task long_task(OperationSubject subject, Work work) {
  return {.subject = std::move(subject), .is_long = true, .work = [work = std::move(work)](OpContext& op) {
            const auto started = std::chrono::steady_clock::now();
            json answer = work(op);
            answer.update(timing(op, started));
            if (!op.notes().empty()) answer["notes"] = op.notes();
            return answer;
          }};
}

const std::vector<Routes::Route>& Routes::table() {
  static const std::vector<Route> routes{
      {"POST", "/v1/instances/{uuid}/disks", &Routes::create_disks},
      {"GET", "/v1/instances/{uuid}", &Routes::show_instance},
      {"POST", "/v1/instances/{uuid}/domain", &Routes::plan_domain},
      {"GET", "/v1/instances/{uuid}/domain", &Routes::show_domain},
      {"GET", "/v1/instances/{uuid}/domain?suffix={suffix}", &Routes::show_domain},
      {"DELETE", "/v1/instances/{uuid}", &Routes::remove_instance},
      {"DELETE", "/v1/instances/{uuid}?suffix={suffix}", &Routes::remove_suffixed},
      {"GET", "/v1/cache", &Routes::list_cache},
      {"POST", "/v1/cache/images", &Routes::precache},
      {"POST", "/v1/cache/prune", &Routes::prune},
      {"POST", "/v1/domains/{uuid}/prepare", &Routes::prepare_domain},
      {"POST", "/v1/domains/{uuid}/reconnect", &Routes::reconnect_domain},
      {"POST", "/v1/domains/{uuid}/stopped", &Routes::let_domain_go},
      {"POST", "/v1/domains/{uuid}/release", &Routes::let_domain_go},
      {"GET", "/v1/cache/{key}", &Routes::show_base_file},
      {"DELETE", "/v1/cache/{key}", &Routes::remove_base_file},
      {"POST", "/v1/cache/{key}/verify", &Routes::verify},
      {"PUT", "/v1/cache/{key}/pin", &Routes::pin},
      {"DELETE", "/v1/cache/{key}/pin", &Routes::unpin},
      {"GET", "/v1/operations", &Routes::list_operations},
      {"GET", "/v1/operations/{id}", &Routes::show_operation},
      {"DELETE", "/v1/operations/{id}", &Routes::cancel_operation},
      {"GET", "/v1/health", &Routes::health},
      {"GET", "/v1/version", &Routes::version},
  };
  return routes;
}

Task Routes::task(const Request& request) const {
  std::vector<std::string> other_methods;
  for (const Route& route : table()) {
    const auto names = match(route.path, request.target);
    if (!names) continue;
    if (request.method == route.method) {
      return with_token((this->*route.handler)(*names, parse_body(request.body)), request.token);
    }
    other_methods.emplace_back(route.method);
  }
  const std::string shown = quote(redact_url(request.target), 120);
  if (other_methods.empty()) {
    throw Error(ErrorCode::not_found, "there is no " + shown + " here")
        .set_hint("README.md lists the paths of the API");
  }
  throw Error(ErrorCode::invalid_request, quote(request.method, 20) + " is not a method of " + shown)
      .set_hint("it has " + boost::algorithm::join(other_methods, ", "));
}

Task Routes::create_disks(const Names& names, const json& body) const {
  const auto spec = creation_request(names[0], body);
  return operation("create", spec.uuid.text(),
                   [this, spec](OpContext& op) { return to_json(use_cases_.provisioner.create(spec, op)); });
}

// Long: a registry may have to be asked.
Task Routes::plan_domain(const Names& names, const json& body) const {
  const auto spec = creation_request(names[0], body);
  return operation("domain", spec.uuid.text(), [this, spec](OpContext& op) -> json {
    return {{"uuid", spec.uuid.text()}, {"domain", use_cases_.provisioner.domain(spec, op)}};
  });
}

Task Routes::show_domain(const Names& names, const json&) const {
  const auto uuid = model::InstanceId::parse(names[0], "uuid");
  const std::string suffix = names.size() > 1 ? model::parse_suffix(names[1], true) : "";
  return at_once([this, uuid, suffix](OpContext& op) -> json {
    return {{"uuid", uuid.text()}, {"domain", use_cases_.instances.domain(uuid, suffix, op)}};
  });
}

Task Routes::show_instance(const Names& names, const json&) const {
  const auto uuid = model::InstanceId::parse(names[0], "uuid");
  return at_once([this, uuid](OpContext& op) { return to_json(use_cases_.instances.show(uuid, op)); });
}

Task Routes::remove_instance(const Names& names, const json&) const {
  const auto uuid = model::InstanceId::parse(names[0], "uuid");
  return {.subject = {"delete", uuid.text()}, .is_long = true, .work = [this, uuid](OpContext& op) -> json {
            use_cases_.instances.remove(uuid, op);
            use_cases_.domains.let_go(uuid.text());
            return {{"uuid", uuid.text()}, {"removed", true}};
          }};
}

Task Routes::remove_suffixed(const Names& names, const json&) const {
  const auto uuid = model::InstanceId::parse(names[0], "uuid");
  const std::string suffix = model::parse_suffix(names[1], false);
  return {.subject = {"delete", uuid.text()}, .is_long = true, .work = [this, uuid, suffix](OpContext& op) -> json {
            const std::vector<std::string> disks = use_cases_.instances.remove_suffixed(uuid, suffix, op);
            return {{"uuid", uuid.text()}, {"suffix", suffix}, {"disks", disks}, {"removed", true}};
          }};
}

Task Routes::list_cache(const Names&, const json&) const {
  return while_asked([this](OpContext& op) -> json {
    const prune::Usage usage = use_cases_.uses.collect(op);
    json entries = json::array();
    for (const cache::CacheEntry& entry : use_cases_.cache.list()) entries.push_back(to_json(entry, usage));
    json quarantined = json::array();
    for (const cache::QuarantinedFile& file : use_cases_.quarantine.list()) quarantined.push_back(to_json(file));
    return {{"entries", std::move(entries)},
            {"quarantine", std::move(quarantined)},
            {"usage_unknown", usage.unreadable},
            {"capacity", to_json(use_cases_.pruner.capacity())}};
  });
}

Task Routes::show_base_file(const Names& names, const json&) const {
  const auto key = key_named(names[0]);
  return while_asked([this, key](OpContext& op) {
    const auto entry = use_cases_.cache.find(key);
    if (!entry) throw Error(ErrorCode::not_found, "there is no base file " + key.text());
    return to_json(*entry, use_cases_.uses.collect(op));
  });
}

Task Routes::remove_base_file(const Names& names, const json&) const {
  const auto key = key_named(names[0]);
  return while_asked([this, key](OpContext& op) -> json {
    return {{"key", key.text()}, {"freed_bytes", use_cases_.pruner.remove(key, op).count}};
  });
}

Task Routes::precache(const Names&, const json& body) const {
  const PrecacheRequest request = precache_request(body);
  return operation("precache", request.image.ref.shown(), [this, request](OpContext& op) {
    op.set_transfers({.token = op.transfers().token, .bytes_per_second = request.bytes_per_second});
    return to_json(use_cases_.cache.acquire(request.image, op));
  });
}

Task Routes::verify(const Names& names, const json& body) const {
  const auto key = key_named(names[0]);
  const RateLimit rate = verify_rate(body);
  return operation("verify", key.text(), [this, key, rate](OpContext& op) {
    return to_json(key, use_cases_.content_check.check(key, rate, op));
  });
}

Task Routes::pin(const Names& names, const json& body) const {
  const auto key = key_named(names[0]);
  const std::string reason = pin_reason(body);
  return at_once([this, key, reason](OpContext&) -> json {
    use_cases_.pins.pin(key, reason);
    return {{"key", key.text()}, {"pin", reason}};
  });
}

Task Routes::unpin(const Names& names, const json&) const {
  const auto key = key_named(names[0]);
  return at_once([this, key](OpContext&) -> json {
    if (!use_cases_.pins.unpin(key)) throw Error(ErrorCode::not_found, "base file " + key.text() + " is not pinned");
    return {{"key", key.text()}, {"pin", nullptr}};
  });
}

Task Routes::prune(const Names&, const json& body) const {
  const bool dry_run = prune_is_dry(body);
  return operation("prune", dry_run ? "dry run" : "",
                   [this, dry_run](OpContext& op) { return to_json(use_cases_.pruner.prune(dry_run, op)); });
}

Task Routes::list_operations(const Names&, const json&) const {
  return at_once([this](OpContext&) -> json {
    json shown = json::array();
    for (const auto& running : operations_.all()) shown.push_back(running->describe());
    return {{"operations", std::move(shown)}};
  });
}

Task Routes::show_operation(const Names& names, const json&) const {
  return at_once([this, id = names[0]](OpContext&) { return operations_.find(id)->describe(); });
}

Task Routes::cancel_operation(const Names& names, const json&) const {
  return at_once([this, id = names[0]](OpContext&) -> json {
    operations_.find(id)->cancel();
    return {{"id", id}, {"cancelled", true}};
  });
}

Task Routes::health(const Names&, const json&) const {
  return at_once([](OpContext&) -> json { return {{"status", "ok"}}; });
}

Task Routes::version(const Names&, const json&) const {
  return at_once([this](OpContext&) -> json {
    return {{"version", kVersion}, {"api", "v1"}, {"sandbox_lacks", use_cases_.sandbox_lacks}};
  });
}

}  // namespace basecache::api
