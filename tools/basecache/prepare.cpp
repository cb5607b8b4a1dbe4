#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/domain/domain_files.hpp"
#include "agent/domain/domain_message.hpp"
#include "agent/domain/domain_request.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/disks_text.hpp"
#include "tools/basecache/standard_input.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

Error not_ours(const std::string& file) {
  return Error(ErrorCode::invalid_request, "the domain of " + quote(file) + " isn't ours, nor Nova's")
      .set_hint("its <metadata> needs <basecache:instance>, see the README; 'basecache create' makes disks without");
}

std::string description_of(const std::string& file) {
  if (file == "-") return read_standard_input(domain::kLongestDescription);
  if (auto text = read_small_file(file, domain::kLongestDescription)) return *std::move(text);
  throw Error(ErrorCode::invalid_request, "--domain: there is no file " + quote(file))
      .set_hint("'-' reads what comes in on stdin: virsh dumpxml NAME | basecache prepare --domain -");
}

std::string prepared_text(const json& answer) {
  if (answer["disks"].empty()) return "nothing is to be made for it\n" + steps_text(answer);
  return disks_text(answer);
}

void prepare(const std::string& file, Session& session) {
  const std::string xml = description_of(file);
  const domain::DomainRequest told = with_context([&] { return "cannot read the domain of " + quote(file); },
                                                  [&] { return domain::domain_request(xml); });
  if (told.origin == domain::DomainOrigin::foreign) throw not_ours(file);
  json body = domain::to_json(domain::known_domain(xml));
  if (told.request) body["request"] = json::parse(*told.request);
  body["beforehand"] = true;
  json answer = session.fetch("/v1/domains/" + told.uuid + "/prepare", body);
  for (const std::string& left_out : told.left_out) answer["notes"].push_back(left_out);
  session.show(answer, prepared_text);
}

}  // namespace

void add_prepare(Command root, Session& session) {
  Command command = root.command("prepare", "make a libvirt domain's disks before it is started");
  const auto file = std::make_shared<std::string>();
  command.option("--domain", *file, "file of the domain's XML ('virsh dumpxml'); -: stdin");
  command.required("--domain");
  command.action([file, &session] { prepare(*file, session); });
}

}  // namespace basecache::cli
