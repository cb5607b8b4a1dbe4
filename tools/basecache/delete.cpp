#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/model/instance_spec.hpp"
#include "tools/basecache/commands.hpp"

namespace basecache::cli {
namespace {

struct DeleteOptions {
  std::string uuid;
  std::optional<std::string> suffix;  // an empty one was given, and isn't the same as none
};

std::string removed_text(const nlohmann::json& answer) {
  const auto instance = answer["uuid"].get<std::string>();
  if (!answer.contains("disks")) return fmt::format("removed instance {}\n", instance);
  std::string text;
  for (const auto& disk : answer["disks"]) {
    text += fmt::format("removed {} of instance {}\n", disk.get<std::string>(), instance);
  }
  return text;
}

}  // namespace

void add_delete(Command root, Session& session) {
  Command command = root.command("delete", "remove an instance's directory with all its disks");
  const auto options = std::make_shared<DeleteOptions>();
  command.argument("uuid", options->uuid, "UUID of the instance");
  command.option("--suffix", options->suffix, "'.rescue' removes the disks of its rescue, and nothing else");
  command.action([options, &session] {
    std::string target = "/v1/instances/" + model::InstanceId::parse(options->uuid, "uuid").text();
    if (options->suffix) target += "?suffix=" + model::parse_suffix(*options->suffix, false);
    session.show(session.ask("DELETE", target), removed_text);
  });
}

}  // namespace basecache::cli
