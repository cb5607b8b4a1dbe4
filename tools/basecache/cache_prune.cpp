#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/table.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

std::string prune_text(const json& report) {
  const bool dry = report["dry_run"];
  Table table({dry ? "WOULD" : "DONE", "SIZE", "LAST USED", "NAME", "WHY"});
  for (const json& decision : report["decisions"]) {
    table.add({decision["remove"] ? "remove" : "keep", to_text(Bytes{decision["allocated_bytes"].get<std::uint64_t>()}),
               age_text(decision["age_seconds"]), decision["name"], decision["reason"]});
  }
  std::string text = table.text();
  for (const json& why : report["unreadable"]) {
    text += "nothing is removed, because who uses what can't be told: " + why.get<std::string>() + "\n";
  }
  return text + fmt::format("{} {} of {} files, {}\n", dry ? "would remove" : "removed", report["removed"].get<int>(),
                            report["decisions"].size(), to_text(Bytes{report["freed_bytes"].get<std::uint64_t>()}));
}

}  // namespace

void add_cache_prune(Command cache, Session& session) {
  Command command = cache.command("prune", "remove the base files that nobody has used for long enough");
  const auto dry_run = std::make_shared<bool>(false);
  command.flag("--dry-run", *dry_run, "remove nothing; say what would be removed and kept, and why");
  command.action([dry_run, &session] {
    session.show(session.ask("POST", "/v1/cache/prune", {{"dry_run", *dry_run}}), prune_text);
  });
}

}  // namespace basecache::cli
