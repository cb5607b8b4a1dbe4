#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/config_values.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/disks_text.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

struct PrecacheOptions {
  std::vector<std::string> images;
  std::string checksum, rate;
};

std::string precache_text(const json& answer) {
  std::string text;
  for (const json& image : answer["images"]) {
    text += fmt::format("{}  {}  {}\n{}", image["how"].get<std::string>(),
                        to_text(Bytes{image["virtual_size_bytes"].get<std::uint64_t>()}),
                        image["path"].get<std::string>(), steps_text(image));
  }
  return text;
}

std::uint64_t parse_rate(const std::string& text) {
  try {
    return parse_bytes(text).count;
  } catch (const BadValue& bad) {
    throw Error(ErrorCode::invalid_request, fmt::format("--rate isn't {} a second", bad.what()));
  }
}

json precache(const PrecacheOptions& options, Session& session) {
  if (!options.checksum.empty() && options.images.size() > 1) {
    throw Error(ErrorCode::invalid_request, "--checksum is that of one image, and several are named");
  }
  json made = json::array();
  for (const std::string& image : options.images) {
    json body = {{"image_ref", image}};
    if (!options.checksum.empty()) body["checksum"] = options.checksum;
    if (!options.rate.empty()) body["bytes_per_second"] = parse_rate(options.rate);
    made.push_back(session.ask("POST", "/v1/cache/images", body));
  }
  return {{"images", std::move(made)}};
}

}  // namespace

void add_cache_precache(Command cache, Session& session) {
  Command command = cache.command("precache", "make images' base files before anybody needs them");
  const auto options = std::make_shared<PrecacheOptions>();
  command.arguments("image", options->images,
                    "image refs: UUIDs of the registry, Glance hrefs, file:// or http(s):// URLs");
  command.option("--checksum", options->checksum, "digest of the image's bytes, ALG:HEX (sha512:...)");
  command.option("--rate", options->rate, "bytes a second at most, or a number with KiB, MiB or GiB");
  command.action([options, &session] { session.show(precache(*options, session), precache_text); });
}

}  // namespace basecache::cli
