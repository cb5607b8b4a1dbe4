#include <memory>
#include <nlohmann/json.hpp>

#include "agent/model/instance_spec.hpp"
#include "tools/basecache/commands.hpp"

namespace basecache::cli {

void add_delete(Command root, Session& session) {
  Command command = root.command("delete", "remove an instance's directory with all its disks");
  const auto uuid = std::make_shared<std::string>();
  command.argument("uuid", *uuid, "UUID of the instance");
  command.action([uuid, &session] {
    const auto instance = model::InstanceId::parse(*uuid, "uuid");
    session.show(session.ask("DELETE", "/v1/instances/" + instance.text()), [](const nlohmann::json& answer) {
      return "removed instance " + answer["uuid"].get<std::string>() + "\n";
    });
  });
}

}  // namespace basecache::cli
