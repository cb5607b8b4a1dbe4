#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "tools/basecache/commands.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

// {"version","sandbox_lacks":[...],"operations":n,"base_files":n,"allocated_bytes":n,"pinned":n}
json status(Session& session) {
  const json agent = session.ask("GET", "/v1/version");
  json status = {{"version", agent["version"]},
                 {"sandbox_lacks", agent["sandbox_lacks"]},
                 {"operations", session.ask("GET", "/v1/operations")["operations"].size()}};
  std::uint64_t allocated = 0;
  std::size_t pinned = 0;
  const json cached = session.ask("GET", "/v1/cache");
  for (const json& entry : cached["entries"]) {
    allocated += entry["allocated_bytes"].get<std::uint64_t>();
    if (!entry["pin"].is_null()) ++pinned;
  }
  status.update({{"base_files", cached["entries"].size()}, {"allocated_bytes", allocated}, {"pinned", pinned}});
  return status;
}

std::string status_text(const json& answer) {
  std::string text = fmt::format(
      "basecached {}: {} operations running, {} base files on {}, {} pinned\n", answer["version"].get<std::string>(),
      answer["operations"].get<int>(), answer["base_files"].get<int>(),
      to_text(Bytes{answer["allocated_bytes"].get<std::uint64_t>()}), answer["pinned"].get<int>());
  for (const json& lack : answer["sandbox_lacks"]) {
    text += fmt::format("the sandbox lacks {}\n", lack.get<std::string>());
  }
  return text;
}

}  // namespace

void add_status(Command root, Session& session) {
  root.command("status", "how the agent and its cache are").action([&session] {
    session.show(status(session), status_text);
  });
}

}  // namespace basecache::cli
