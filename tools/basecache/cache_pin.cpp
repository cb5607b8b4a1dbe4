#include <memory>
#include <nlohmann/json.hpp>

#include "tools/basecache/commands.hpp"
#include "tools/basecache/key_argument.hpp"

namespace basecache::cli {

void add_cache_pin(Command cache, Session& session) {
  Command pin = cache.command("pin", "never prune a base file, until it is unpinned");
  const auto pinned = add_key_argument(pin);
  const auto reason = std::make_shared<std::string>();
  pin.option("--reason", *reason, "why, for those who wonder later");
  pin.action([pinned, reason, &session] {
    session.show(session.ask("PUT", key_target(*pinned) + "/pin", {{"reason", *reason}}),
                 [](const nlohmann::json& answer) { return "pinned " + answer["key"].get<std::string>() + "\n"; });
  });
  Command unpin = cache.command("unpin", "let a base file be pruned again");
  const auto unpinned = add_key_argument(unpin);
  unpin.action([unpinned, &session] {
    session.show(session.ask("DELETE", key_target(*unpinned) + "/pin"),
                 [](const nlohmann::json& answer) { return "unpinned " + answer["key"].get<std::string>() + "\n"; });
  });
}

}  // namespace basecache::cli
