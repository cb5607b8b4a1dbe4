#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/model/instance_spec.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/creation_request.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

struct DomainOptions {
  std::vector<std::string> uuid;  // of an instance whose domain there is
  CreationOptions planned;        // else what it is going to be
};

std::string domain_text(const json& answer) { return answer["domain"].get<std::string>(); }

void show_existing(const DomainOptions& options, Session& session) {
  const auto uuid = model::InstanceId::parse(options.uuid.front(), "uuid");
  const std::string suffix = model::parse_suffix(options.planned.suffix, true);
  const std::string query = suffix.empty() ? "" : "?suffix=" + suffix;
  try {
    session.show(session.ask("GET", "/v1/instances/" + uuid.text() + "/domain" + query), domain_text);
  } catch (Error& error) {
    if (error.code() == ErrorCode::not_found && error.hint().empty())
      error.set_hint("name one that is only planned by --instance " + uuid.text() + " and create's options");
    throw;
  }
}

void show_planned(const DomainOptions& options, Session& session) {
  const json request = creation_request(options.planned);
  const auto uuid = model::InstanceId::parse(request["uuid"].get<std::string>(), "--instance");
  session.show(session.fetch("/v1/instances/" + uuid.text() + "/domain", request), domain_text);
}

void show(const DomainOptions& options, Session& session) {
  const bool is_planned = !options.planned.spec.empty() || !options.planned.instance.empty();
  if (options.uuid.size() == 1 && !is_planned) return show_existing(options, session);
  if (options.uuid.empty() && is_planned) return show_planned(options, session);
  throw Error(ErrorCode::invalid_request, "name one instance")
      .set_hint(
          "by UUID where its disks are there; one that is planned by --instance UUID with create's options, or --spec");
}

}  // namespace

void add_domain_xml(Command root, Session& session) {
  Command command = root.command("domain-xml", "show an instance's domain, as 'virsh define' takes it");
  const auto options = std::make_shared<DomainOptions>();
  command.optional_arguments("uuid", options->uuid, "UUID of an instance that has its disks");
  command.option("--instance", options->planned.instance,
                 "UUID of an instance whose disks the start of its domain will make (basecache-qemu-hook)");
  declare_disks(command, options->planned);
  declare_guest(command, options->planned);
  command.action([options, &session] { show(*options, session); });
}

}  // namespace basecache::cli
