#include "agent/cache/unfitness.hpp"

#include <ctime>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::cache {
namespace {

using nlohmann::json;

// By whatever damages files: what it said of the base file can't be told, so that isn't trusted.
constexpr const char* kDamagedMark = "its mark of being unfit can't be read";

void add_record(json& object, const BaseFileRecord& record) {
  object["origin"] = record.origin;
  object["format"] = model::qemu_name(record.format);
  object["rules"] = record.rules;
  if (record.source_digest) object["source_digest"] = record.source_digest->text();
  if (record.content_digest) object["content_digest"] = *record.content_digest;
}

json findings_to_json(const std::vector<fetch::Finding>& findings) {
  json list = json::array();
  for (const fetch::Finding& finding : findings) {
    json item = json::object();
    item["check"] = finding.check;
    item["detail"] = finding.detail;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace

void write_unfitness(const layout::CacheLayout& layout, const model::CacheKey& key, const Unfitness& unfitness) {
  json object = {{"key", key.text()},           {"file", identity_of(layout.base_file(key)).value_or("")},
                 {"reason", unfitness.reason},  {"findings", findings_to_json(unfitness.findings)},
                 {"found", std::time(nullptr)}, {"origin", nullptr},
                 {"format", nullptr},           {"source_digest", nullptr},
                 {"content_digest", nullptr},   {"rules", nullptr}};
  if (const auto record = read_record(layout, key)) add_record(object, *record);
  layout::replace_state_file(layout, layout.unfit(key),
                             object.dump(2, ' ', false, json::error_handler_t::replace) + "\n", Durability::synced);
}

std::optional<std::string> read_unfitness(const layout::CacheLayout& layout, const model::CacheKey& key) {
  try {
    const std::optional<std::string> text = read_small_file(layout.unfit(key));
    if (!text) return std::nullopt;
    const std::optional<std::string> base_file = identity_of(layout.base_file(key));
    if (!base_file) return std::nullopt;
    const json object = json::parse(*text);
    if (object.at("file") != json(*base_file)) return std::nullopt;
    return object.at("reason").get<std::string>();
  } catch (const json::exception&) {
    return kDamagedMark;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::storage_unusable) throw;
    return kDamagedMark;
  }
}

}  // namespace basecache::cache
