#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/disks_text.hpp"

namespace basecache::cli {
namespace {

struct PrecacheOptions {
  std::string image, checksum;
};

std::string precache_text(const nlohmann::json& answer) {
  return fmt::format("{}  {}  {}\n{}", answer["how"].get<std::string>(),
                     to_text(Bytes{answer["virtual_size_bytes"].get<std::uint64_t>()}),
                     answer["path"].get<std::string>(), steps_text(answer));
}

}  // namespace

void add_cache_precache(Command cache, Session& session) {
  Command command = cache.command("precache", "make an image's base file before anybody needs it");
  const auto options = std::make_shared<PrecacheOptions>();
  command.argument("image", options->image, "image ref: UUID of the registry, file:// or http(s):// URL");
  command.option("--checksum", options->checksum, "digest of the image's bytes, ALG:HEX (sha512:...)");
  command.action([options, &session] {
    nlohmann::json body = {{"image_ref", options->image}};
    if (!options->checksum.empty()) body["checksum"] = options->checksum;
    session.show(session.ask("POST", "/v1/cache/images", body), precache_text);
  });
}

}  // namespace basecache::cli
