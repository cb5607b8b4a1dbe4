#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/table.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

std::string progress_text(const json& operation) {
  if (operation.value("waiting", false)) return "waits for a worker";
  const json& progress = operation["progress"];
  if (progress.empty()) return "-";
  std::string text = progress["step"].get<std::string>() + " " + to_text(Bytes{progress["done"].get<std::uint64_t>()});
  if (!progress["total"].is_null()) text += " of " + to_text(Bytes{progress["total"].get<std::uint64_t>()});
  return text;
}

std::string list_text(const json& answer) {
  Table table({"ID", "KIND", "SUBJECT", "RUNNING FOR", "PROGRESS"});
  for (const json& operation : answer["operations"]) {
    table.add({operation["id"], operation["kind"], operation["subject"],
               age_text(static_cast<long long>(operation["seconds"].get<double>())), progress_text(operation)});
  }
  return table.text();
}

void cancel(const std::string& id, Session& session) {
  if (id.find('/') != std::string::npos) {
    throw Error(ErrorCode::invalid_request, quote(id, 60) + " is not the id of an operation");
  }
  session.show(session.ask("DELETE", "/v1/operations/" + id),
               [](const json& answer) { return "cancelled " + answer["id"].get<std::string>() + "\n"; });
}

}  // namespace

void add_ops(Command root, Session& session) {
  Command ops = root.group("ops", "what the daemon is doing");
  ops.command("list", "list what runs").action([&session] {
    session.show(session.ask("GET", "/v1/operations"), list_text);
  });
  Command command = ops.command("cancel", "cancel an operation");
  const auto id = std::make_shared<std::string>();
  command.argument("id", *id, "its id, as 'basecache ops list' shows it");
  command.action([id, &session] { cancel(*id, session); });
}

}  // namespace basecache::cli
