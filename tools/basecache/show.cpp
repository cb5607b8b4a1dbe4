#include <memory>
#include <nlohmann/json.hpp>

#include "agent/model/instance_spec.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/disks_text.hpp"

namespace basecache::cli {

void add_show(Command root, Session& session) {
  Command command = root.command("show", "show an instance's disks");
  const auto uuid = std::make_shared<std::string>();
  command.argument("uuid", *uuid, "UUID of the instance");
  command.action([uuid, &session] {
    const auto instance = model::InstanceId::parse(*uuid, "uuid");
    session.show(session.ask("GET", "/v1/instances/" + instance.text()), disks_text);
  });
}

}  // namespace basecache::cli
