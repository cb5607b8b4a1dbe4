#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "tools/basecache/capacity_text.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/key_argument.hpp"
#include "tools/basecache/table.hpp"
#include "tools/basecache/terminal_text.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

std::string text_of(const json& value) { return value.is_null() ? "-" : value.get<std::string>(); }

std::string size_of(const json& value) { return to_text(Bytes{value.get<std::uint64_t>()}); }

std::string warning_text(std::string_view what, const std::string& name, const std::string& reason) {
  return fmt::format("{}: {}: {}\n", what, name, one_line(reason));
}

// The first of them, within a column's width: "instance 4e3f6d0c-... disk 'disk' and 3 more"; requests that go on are
// users too.
std::string users_of(const json& entry) {
  constexpr std::size_t kWidth = 60;
  const json& users = entry["users"];
  const std::size_t count = users.size() + entry["leases"].get<std::size_t>();
  if (users.empty()) return count == 0 ? "-" : fmt::format("{} running", count);
  std::string text;
  std::size_t shown = 0;
  for (const json& user : users) {
    const std::string name = one_line(user.get<std::string>());
    if (shown > 0 && text.size() + 2 + name.size() > kWidth) break;
    text += (shown++ > 0 ? ", " : "") + name;
  }
  return shown == count ? text : fmt::format("{} and {} more", text, count - shown);
}

std::string list_text(const json& answer) {
  Table table({"KEY", "KIND", "SIZE", "ON DISK", "LAST USED", "USERS", "PINNED", "ORIGIN"});
  for (const json& entry : answer["entries"]) {
    table.add({entry["key"], entry["kind"], size_of(entry["virtual_size_bytes"]), size_of(entry["allocated_bytes"]),
               age_text(entry["age_seconds"]), users_of(entry), entry["pin"].is_null() ? "-" : "yes",
               text_of(entry["origin"])});
  }
  std::string text = table.text();
  for (const json& entry : answer["entries"]) {
    if (!entry["unfit"].is_null()) text += warning_text("unfit", entry["key"], entry["unfit"]);
  }
  for (const json& file : answer["quarantine"]) text += warning_text("in quarantine", file["name"], file["reason"]);
  for (const json& why : answer["usage_unknown"]) text += "users can't be told: " + why.get<std::string>() + "\n";
  return text + capacity_text(answer["capacity"]);
}

std::string entry_text(const json& entry) {
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<14} {}\n", name, one_line(value));
  };
  line("key", entry["key"]);
  line("kind", entry["kind"]);
  line("origin", text_of(entry["origin"]));
  line("format", text_of(entry["format"]));
  line("made from", text_of(entry["source_format"]));
  line("source digest", text_of(entry["source_digest"]));
  line("content digest", text_of(entry["content_digest"]));
  line("rule set", entry["rules"].is_null() ? "-" : std::to_string(entry["rules"].get<unsigned>()));
  if (!entry["unfit"].is_null()) line("unfit", text_of(entry["unfit"]));
  line("size", size_of(entry["virtual_size_bytes"]));
  line("on disk", size_of(entry["allocated_bytes"]));
  line("last used", age_text(entry["age_seconds"]) + " ago");
  line("leases", std::to_string(entry["leases"].get<std::size_t>()));
  line("pin", entry["pin"].is_null() ? "no" : "yes: " + entry["pin"].get<std::string>());
  for (const json& user : entry["users"]) line("user", user);
  return text;
}

}  // namespace

void add_cache_list(Command cache, Session& session) {
  cache.command("list", "list the base files").action([&session] {
    session.show(session.ask("GET", "/v1/cache"), list_text);
  });
  Command show = cache.command("show", "show one base file and who uses it");
  const auto key = add_key_argument(show);
  show.action([key, &session] { session.show(session.ask("GET", key_target(*key)), entry_text); });
}

}  // namespace basecache::cli
