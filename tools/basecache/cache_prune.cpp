#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "tools/basecache/capacity_text.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/table.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

std::string withheld_text(const json& report) {
  std::string text;
  for (const json& why : report["unreadable"]) {
    text += "nothing is removed, because who uses what can't be told: " + why.get<std::string>() + "\n";
  }
  return text;
}

std::string size_of(const json& value) { return to_text(Bytes{value.get<std::uint64_t>()}); }

// Only where the limits can't be kept: how far they are missed, and what of the cache can't go.
std::string staying_text(const json& report) {
  const json& missed = report["capacity"]["excess_bytes"];
  if (missed.get<std::uint64_t>() == 0) return "";
  const json& staying = report["staying"];
  return fmt::format(
      "the limits are missed by {}: {} under disks, {} held by requests, {} pinned, {} in quarantine and {} more of "
      "the cache stay\n",
      size_of(missed), size_of(staying["under_disks_bytes"]), size_of(staying["leased_bytes"]),
      size_of(staying["pinned_bytes"]), size_of(staying["quarantined_bytes"]), size_of(staying["others_bytes"]));
}

std::string prune_text(const json& report) {
  const bool dry = report["dry_run"];
  Table table({dry ? "WOULD" : "DONE", "SIZE", "LAST USED", "NAME", "WHY"});
  for (const json& decision : report["decisions"]) {
    table.add({decision["remove"] ? "remove" : "keep", to_text(Bytes{decision["allocated_bytes"].get<std::uint64_t>()}),
               age_text(decision["age_seconds"]), decision["name"], decision["reason"]});
  }
  return table.text() + withheld_text(report) + capacity_text(report["capacity"]) + staying_text(report) +
         fmt::format("{} {} of {} files, {}\n", dry ? "would remove" : "removed", report["removed"].get<int>(),
                     report["decisions"].size(), to_text(Bytes{report["freed_bytes"].get<std::uint64_t>()}));
}

}  // namespace

void add_cache_prune(Command cache, Session& session) {
  Command command = cache.command("prune", "remove the base files that nobody has used for long enough");
  const auto dry_run = std::make_shared<bool>(false);
  command.flag("--dry-run", *dry_run, "remove nothing; say what would be removed and kept, and why");
  const auto quiet = std::make_shared<bool>(false);
  command.flag("--quiet", *quiet,
               "for timers and cron: say nothing, but for failures and why nothing could be removed");
  command.action([dry_run, quiet, &session] {
    const json report = session.ask("POST", "/v1/cache/prune", {{"dry_run", *dry_run}});
    if (!*quiet) return session.show(report, prune_text);
    fmt::print(stderr, "{}", withheld_text(report));
  });
}

}  // namespace basecache::cli
