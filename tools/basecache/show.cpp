#include <memory>
#include <nlohmann/json.hpp>

#include "agent/model/instance_spec.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/disks_text.hpp"
#include "tools/basecache/table.hpp"

namespace basecache::cli {
namespace {

std::string instance_text(const nlohmann::json& answer) {
  std::string text = disks_text(answer);
  if (!answer.contains("image")) return text;
  const nlohmann::json& image = answer["image"];
  Table table({"IMAGE", image["ref"].is_string() ? image["ref"].get<std::string>() : "of a volume"});
  for (const auto& [name, value] : image["system_metadata"].items()) table.add({name, value.get<std::string>()});
  return text + "\n" + table.text();
}

}  // namespace

void add_show(Command root, Session& session) {
  Command command = root.command("show", "show an instance's disks, and what it keeps of its image");
  const auto uuid = std::make_shared<std::string>();
  command.argument("uuid", *uuid, "UUID of the instance");
  command.action([uuid, &session] {
    const auto instance = model::InstanceId::parse(*uuid, "uuid");
    session.show(session.ask("GET", "/v1/instances/" + instance.text()), instance_text);
  });
}

}  // namespace basecache::cli
