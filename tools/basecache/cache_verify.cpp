#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/api/error_response.hpp"
#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "tools/basecache/byte_rate.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/complaint.hpp"
#include "tools/basecache/key_argument.hpp"
#include "tools/basecache/table.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

struct VerifyOptions {
  std::vector<std::string> keys;
  bool all = false;
  std::string rate;
};

// 0: no limit.
std::uint64_t rate_of(const std::string& text) { return text == "0" ? 0 : parse_byte_rate(text); }

std::string verified_text(const json& report) {
  Table table({"STATE", "SIZE", "READ", "KEY", "WHY"});
  for (const json& file : report["files"]) {
    table.add({file["state"], to_text(Bytes{file["size_bytes"].get<std::uint64_t>()}),
               to_text(Bytes{file["read_bytes"].get<std::uint64_t>()}), file["key"],
               file["detail"].is_null() ? "-" : file["detail"].get<std::string>()});
  }
  return table.text() + fmt::format("{} of {} files rotten\n", report["rotten"].get<int>(), report["files"].size());
}

// One base file after the other, each an operation of its own: a failure is told, and the next one has its turn; what
// isn't the file's fault ends all.
class Verifying {
 public:
  Verifying(const VerifyOptions& options, Session& session) : options_(options), session_(session) {
    if (!options.rate.empty()) request_["bytes_per_second"] = rate_of(options.rate);
  }

  // Throws Told when something rotted, or couldn't be verified.
  void run() {
    for (const std::string& key : keys()) {
      if (!verify(key)) break;
    }
    const auto rotten = std::ranges::count_if(files_, [](const json& file) { return file["state"] == "rotten"; });
    session_.show({{"files", files_}, {"rotten", rotten}}, verified_text);
    if (rotten > 0) throw Told{api::answer_to(ErrorCode::checksum_mismatch).exit_code};
    if (exit_code_) throw Told{*exit_code_};
  }

 private:
  std::vector<std::string> keys() const {
    if (options_.all == options_.keys.empty()) return options_.all ? all_keys() : options_.keys;
    throw Error(ErrorCode::invalid_request, "it isn't said which base files to verify")
        .set_hint("name their keys ('basecache cache list' shows them), or give --all; not both");
  }

  std::vector<std::string> all_keys() const {
    std::vector<std::string> keys;
    const json listed = session_.ask("GET", "/v1/cache");
    for (const json& entry : listed["entries"]) keys.push_back(entry["key"]);
    return keys;
  }

  // Whether the next one may be verified.
  bool verify(const std::string& key) {
    try {
      files_.push_back(session_.ask("POST", key_target(key) + "/verify", request_));
      return true;
    } catch (const Error& error) {
      // Pruned since the keys were listed.
      if (options_.all && error.code() == ErrorCode::not_found) return true;
      const int exit_code = tell(error, session_.options.json);
      exit_code_ = exit_code_.value_or(exit_code);
      return true;
    } catch (...) {
      exit_code_ = tell_current(session_.options.json);
      return false;
    }
  }

  const VerifyOptions& options_;
  Session& session_;
  json request_ = json::object();
  json files_ = json::array();
  std::optional<int> exit_code_;
};

}  // namespace

void add_cache_verify(Command cache, Session& session) {
  Command command = cache.command("verify", "read base files again; what rotted goes to quarantine");
  const auto options = std::make_shared<VerifyOptions>();
  command.optional_arguments("key", options->keys, "names of base files, as 'basecache cache list' shows them");
  command.flag("--all", options->all, "all that are there");
  command.option("--rate", options->rate,
                 "bytes a second at most, or a number with KiB, MiB or GiB; 0: no limit (default: 100MiB)");
  command.action([options, &session] { Verifying(*options, session).run(); });
}

}  // namespace basecache::cli
