#include <memory>
#include <nlohmann/json.hpp>

#include "tools/basecache/commands.hpp"
#include "tools/basecache/key_argument.hpp"

namespace basecache::cli {

void add_cache_pin(CLI::App& cache, Session& session) {
  CLI::App* pin = cache.add_subcommand("pin", "never prune a base file, until it is unpinned");
  const auto pinned = add_key_argument(*pin);
  const auto reason = std::make_shared<std::string>();
  pin->add_option("--reason", *reason, "why, for those who wonder later");
  pin->callback([pinned, reason, &session] {
    session.show(session.ask("PUT", key_target(*pinned) + "/pin", {{"reason", *reason}}),
                 [](const nlohmann::json& answer) { return "pinned " + answer["key"].get<std::string>() + "\n"; });
  });
  CLI::App* unpin = cache.add_subcommand("unpin", "let a base file be pruned again");
  const auto unpinned = add_key_argument(*unpin);
  unpin->callback([unpinned, &session] {
    session.show(session.ask("DELETE", key_target(*unpinned) + "/pin"),
                 [](const nlohmann::json& answer) { return "unpinned " + answer["key"].get<std::string>() + "\n"; });
  });
}

}  // namespace basecache::cli
