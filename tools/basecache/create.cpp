#include <memory>
#include <nlohmann/json.hpp>

#include "tools/basecache/commands.hpp"
#include "tools/basecache/creation_request.hpp"
#include "tools/basecache/disks_text.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

void create(const CreationOptions& options, Session& session) {
  const json request = creation_request(options);
  // What isn't a UUID would be another path of the API.
  const auto uuid = model::InstanceId::parse(request["uuid"].get<std::string>(), "--instance");
  session.show(session.fetch("/v1/instances/" + uuid.text() + "/disks", request), disks_text);
}

}  // namespace

void add_create(Command root, Session& session) {
  Command command = root.command("create", "make an instance's disks from an image");
  const auto options = std::make_shared<CreationOptions>();
  command.option("--instance", options->instance, "UUID of the instance");
  declare_disks(command, *options);
  command.flag("--refresh-config-drive", options->refresh_config_drive,
               "the config drive is made anew, also where there is one");
  declare_guest(command, *options);
  command.action([options, &session] { create(*options, session); });
}

}  // namespace basecache::cli
