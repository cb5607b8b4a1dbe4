#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "tools/basecache/byte_rate.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/complaint.hpp"
#include "tools/basecache/disks_text.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

struct PrecacheOptions {
  std::vector<std::string> images;
  std::string checksum, rate;
  bool boot_file = false;
};

std::string image_text(const json& image) {
  return fmt::format("{}  {}  {}\n{}", image["how"].get<std::string>(),
                     to_text(Bytes{image["virtual_size_bytes"].get<std::uint64_t>()}), image["path"].get<std::string>(),
                     steps_text(image));
}

// What is asked for each image, but for its image_ref.
json common_request(const PrecacheOptions& options) {
  if (!options.checksum.empty() && options.images.size() > 1) {
    throw Error(ErrorCode::invalid_request, "--checksum is that of one image, and several are named")
        .set_hint("precache the images one by one, each with its own --checksum");
  }
  json request = json::object();
  if (!options.checksum.empty()) request["checksum"] = options.checksum;
  if (options.boot_file) request["boot_file"] = true;
  if (!options.rate.empty()) request["bytes_per_second"] = parse_byte_rate(options.rate);
  return request;
}

// One after the other. A failure is told, and the next image has its turn; what isn't the image's fault ends all.
class Precaching {
 public:
  Precaching(const PrecacheOptions& options, Session& session)
      : images_(options.images), request_(common_request(options)), session_(session) {}

  // Throws Told, with the code of the first failure or of what ended all.
  void run() {
    for (const std::string& image : images_) {
      if (!make(image)) break;
    }
    if (is_json()) session_.show({{"images", made_}}, {});
    if (exit_code_) throw Told{*exit_code_};
  }

 private:
  bool is_json() const { return session_.options.json; }

  // Whether the next one may be made.
  bool make(const std::string& image) {
    request_["image_ref"] = image;
    try {
      take(session_.fetch("/v1/cache/images", request_));
      return true;
    } catch (Error& error) {
      const std::string shown = "image " + quote(redact_url(image));
      if (error.message().find(shown) == std::string::npos) error.add_context(shown);
      const int exit_code = tell(error, is_json());
      exit_code_ = exit_code_.value_or(exit_code);
      return true;
    } catch (...) {
      exit_code_ = tell_current(is_json());
      return false;
    }
  }

  void take(json answer) {
    if (!is_json()) session_.show(answer, image_text);
    made_.push_back(std::move(answer));
  }

  const std::vector<std::string>& images_;
  json request_;
  Session& session_;
  json made_ = json::array();
  std::optional<int> exit_code_;
};

}  // namespace

void add_cache_precache(Command cache, Session& session) {
  Command command = cache.command("precache", "make images' base files before anybody needs them");
  const auto options = std::make_shared<PrecacheOptions>();
  command.arguments("image", options->images,
                    "image refs: UUIDs of the registry, Glance hrefs, file:// or http(s):// URLs");
  command.option("--checksum", options->checksum, "digest of the image's bytes, ALG:HEX (sha512:...)");
  command.flag("--boot-file", options->boot_file, "they are kernels or ramdisks, which are taken as they come");
  command.option("--rate", options->rate, "bytes a second at most, or a number with KiB, MiB or GiB; 64KiB at least");
  command.action([options, &session] { Precaching(*options, session).run(); });
}

}  // namespace basecache::cli
