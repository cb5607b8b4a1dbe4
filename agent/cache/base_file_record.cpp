#include "agent/cache/base_file_record.hpp"

#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::cache {
namespace {

using nlohmann::json;

std::optional<model::DiskFormat> format_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return model::disk_format_from(found->get<std::string>());
}

std::optional<Digest> digest_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return Digest::parse(found->get<std::string>());
}

BaseFileRecord record_from(const json& object) {
  BaseFileRecord record;
  record.origin = object.at("origin").get<std::string>();
  record.format = format_in(object, "format").value();
  record.virtual_size = {object.at("virtual_size").get<std::uint64_t>()};
  record.source_format = format_in(object, "source_format");
  record.source_digest = digest_in(object, "source_digest");
  record.created = object.at("created").get<std::int64_t>();
  record.rules = object.value("rules", 0U);
  record.is_boot_file_only = object.value("boot_file_only", false);
  if (object.contains("content_digest")) record.content_digest = object.at("content_digest").get<std::string>();
  if (object.contains("image_meta")) record.image_meta = model::stored_image_meta(object.at("image_meta"));
  return record;
}

}  // namespace

std::optional<BaseFileRecord> read_record(const layout::CacheLayout& layout, const model::CacheKey& key) {
  try {
    const std::optional<std::string> text = read_small_file(layout.record(key));
    if (!text) return std::nullopt;
    const json object = json::parse(*text);
    if (object.at("file") != json(identity_of(layout.base_file(key)).value())) return std::nullopt;
    return record_from(object);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::busy) throw;
    return std::nullopt;
  } catch (const std::exception&) {
    // A record that a power cut left empty or half written: the base file is inspected again and gets a new one.
    return std::nullopt;
  }
}

void write_record(const layout::CacheLayout& layout, const model::CacheKey& key, const BaseFileRecord& record,
                  const Path& file) {
  json object = {{"file", identity_of(file).value_or("")},
                 {"origin", record.origin},
                 {"format", model::qemu_name(record.format)},
                 {"virtual_size", record.virtual_size.count},
                 {"created", record.created},
                 {"rules", record.rules}};
  if (record.is_boot_file_only) object["boot_file_only"] = true;
  if (record.source_format) object["source_format"] = model::qemu_name(*record.source_format);
  if (record.source_digest) object["source_digest"] = record.source_digest->text();
  if (record.content_digest) object["content_digest"] = *record.content_digest;
  if (record.image_meta) object["image_meta"] = model::to_json(*record.image_meta);
  layout::replace_state_file(layout, layout.record(key),
                             object.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace basecache::cache
