// The paths below /v1/domains: what libvirt's hook asks for. Nothing here may wait for libvirt, which waits for the
// hook.

#include <nlohmann/json.hpp>
#include <optional>

#include "agent/api/messages.hpp"
#include "agent/api/routes.hpp"
#include "agent/base/digest.hpp"
#include "agent/domain/domain_message.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::api {
namespace {

using nlohmann::json;

// {"name", "files", "request"?, "beforehand"?}
struct Preparation {
  domain::KnownDomain domain;
  std::optional<model::InstanceSpec> request;
  std::string digest = {};     // of the request
  bool is_beforehand = false;  // no domain is being started: no hook waits, and nothing is to be held
};

Preparation preparation_from(const std::string& uuid, const json& body) {
  model::JsonFields fields(body, "");
  Preparation asked{.domain = domain::read_domain(uuid, fields), .request = {}};
  if (const json* request = fields.object("request")) {
    asked.request = creation_request(uuid, *request);
    asked.digest = hex_digest(DigestAlgorithm::sha256, request->dump());
  }
  asked.is_beforehand = fields.boolean("beforehand").value_or(false);
  fields.finish();
  return asked;
}

domain::KnownDomain domain_from(const std::string& uuid, const json& body) {
  model::JsonFields fields(body, "");
  domain::KnownDomain domain = domain::read_domain(uuid, fields);
  fields.finish();
  return domain;
}

// At once, and never behind libvirt.
Task for_hook(Work work) {
  Task task = at_once(std::move(work));
  task.subject.is_for_hook = true;
  return task;
}

json lease_answer(const std::string& uuid, bool is_leased) { return {{"uuid", uuid}, {"leased", is_leased}}; }

}  // namespace

Task Routes::prepare_domain(const Names& names, const json& body) const {
  const auto uuid = model::InstanceId::parse(names[0], "uuid");
  const Preparation asked = preparation_from(uuid.text(), body);
  // Another request for the same instance waits for the first one's end at the instance's lock.
  const OperationSubject subject{.kind = "prepare",
                                 .name = uuid.text(),
                                 .is_shared = true,
                                 .is_for_hook = !asked.is_beforehand,
                                 .wish = asked.digest};
  Task task = long_task(subject, [this, asked](OpContext& op) {
    return to_json(use_cases_.domains.prepare(asked.domain, asked.request, op));
  });
  task.is_long = asked.request.has_value();  // there is nothing to wait for without one
  // Not a part of the work: one who joins holds it too, for libvirt lets go of a domain whose hook gave up waiting.
  if (!asked.is_beforehand) task.at_first = [this, asked](uid_t by) { use_cases_.domains.hold(asked.domain, by); };
  return task;
}

Task Routes::reconnect_domain(const Names& names, const json& body) const {
  const auto uuid = model::InstanceId::parse(names[0], "uuid");
  Task task = for_hook([uuid](OpContext&) { return lease_answer(uuid.text(), true); });
  task.at_first = [this, domain = domain_from(uuid.text(), body)](uid_t by) { use_cases_.domains.hold(domain, by); };
  return task;
}

Task Routes::let_domain_go(const Names& names, const json& body) const {
  const auto uuid = model::InstanceId::parse(names[0], "uuid");
  (void)domain_from(uuid.text(), body);
  Task task = for_hook([uuid](OpContext&) { return lease_answer(uuid.text(), false); });
  task.at_first = [this, uuid](uid_t by) { use_cases_.domains.let_go(uuid.text(), by); };
  return task;
}

}  // namespace basecache::api
