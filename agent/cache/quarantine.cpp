#include "agent/cache/quarantine.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/cache/removal_lock.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::cache {
namespace {

using nlohmann::json;

Path with_json(const Path& file) { return file.native() + ".json"; }

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// None of one that somebody takes away meanwhile.
Bytes allocated_by(const Path& file) {
  struct stat found {};
  return {::lstat(file.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_blocks) * 512 : 0};
}

// A number that no clock has said is none.
std::int64_t time_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return 0;
  return std::max<std::int64_t>(0, found->get<std::int64_t>());
}

json sentence_of(const Path& file) {
  try {
    return json::parse(read_small_file(with_json(file)).value_or(""), nullptr, false);
  } catch (const Error&) {
    return {};  // a file without a sentence is shown all the same
  }
}

QuarantinedFile quarantined(const Path& file) {
  QuarantinedFile shown{.name = file.filename().native(),
                        .key = file.stem().native(),
                        .reason = {},
                        .origin = {},
                        .found = 0,
                        .allocated = allocated_by(file)};
  const json object = sentence_of(file);
  if (!object.is_object()) return shown;
  shown.reason = text_in(object, "reason");
  shown.origin = text_in(object, "origin");
  shown.found = time_in(object, "found");
  return shown;
}

}  // namespace

void Quarantine::condemn(const model::CacheKey& key, const Unfitness& why) {
  write_unfitness(layout_, key, why);
  log_event(LogLevel::warning, "base_file_unfit", {{"key", key.text()}, {"reason", why.reason}});
}

std::optional<std::string> Quarantine::isolate(const model::CacheKey& key, const OpContext& op) {
  if (!read_unfitness(layout_, key)) return std::nullopt;
  const RemovalLock lock(layout_, key, users_, op);
  if (lock.reason_to_stay()) return lock.reason_to_stay();
  if (read_unfitness(layout_, key)) move_away(key);
  return std::nullopt;
}

std::optional<std::string> Quarantine::isolate_locked(const model::CacheKey& key, const OpContext& op) {
  if (!read_unfitness(layout_, key)) return std::nullopt;
  if (auto why = users_.reason_to_stay(key, op)) return why;
  move_away(key);
  return std::nullopt;
}

// The name's number is free for as long as the lock of the key is held.
void Quarantine::move_away(const model::CacheKey& key) {
  layout::make_state_directory(layout_, layout_.quarantine_directory());
  Path place = layout_.quarantine_directory() / key.text();
  for (int number = 2; !rename_no_replace(layout_.base_file(key), place); ++number) {
    place = layout_.quarantine_directory() / fmt::format("{}.{}", key.text(), number);
  }
  boost::filesystem::rename(layout_.unfit(key), with_json(place));
  remove_file(layout_.record(key));
  sync_directory(layout_.base_directory());
  sync_directory(layout_.quarantine_directory());
  log_event(LogLevel::warning, "base_file_quarantined", {{"key", key.text()}, {"path", place.native()}});
}

std::vector<QuarantinedFile> Quarantine::list() const {
  std::vector<QuarantinedFile> files;
  for (const Path& file : layout::state_files(layout_.quarantine_directory())) {
    if (file.extension() != ".json") files.push_back(quarantined(file));
  }
  std::ranges::sort(files, {}, &QuarantinedFile::name);
  return files;
}

}  // namespace basecache::cache
