#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/key_argument.hpp"

namespace basecache::cli {

void add_cache_remove(Command cache, Session& session) {
  Command command = cache.command("remove", "remove a base file that nobody uses, whatever its age");
  const auto key = add_key_argument(command);
  command.action([key, &session] {
    session.show(session.ask("DELETE", key_target(*key)), [](const nlohmann::json& answer) {
      return fmt::format("removed {}, freed {}\n", answer["key"].get<std::string>(),
                         to_text(Bytes{answer["freed_bytes"].get<std::uint64_t>()}));
    });
  });
}

}  // namespace basecache::cli
