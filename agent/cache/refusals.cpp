#include "agent/cache/refusals.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "agent/fetch/image_inspector.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::cache {
namespace {

namespace fs = boost::filesystem;
using nlohmann::json;

struct Remembered {
  RefusedImage image;
  std::string found;  // ISO 8601
  Error error;
};

json to_json(const RefusedImage& image, const Error& why) {
  json fields = json::array();
  for (const auto& [name, value] : why.fields()) fields.push_back(json::array({name, value}));
  return {{"image_ref", image.origin},
          {"digest", image.digest.text()},
          {"declared_format", image.declared_format ? json(*image.declared_format) : json()},
          {"as_boot_file", image.use == model::ImageUse::boot_file},
          {"rules", image.rules},
          {"found", std::time(nullptr)},
          {"error", {{"message", why.message()}, {"hint", why.hint()}, {"fields", std::move(fields)}}}};
}

Error error_from(const json& object) {
  Error error(ErrorCode::image_unacceptable, object.at("message").get<std::string>());
  error.set_hint(object.at("hint").get<std::string>());
  for (const json& field : object.at("fields")) {
    error.add_field(field.at(0).get<std::string>(), field.at(1).get<std::string>());
  }
  return error;
}

// Assigned one by one: g++ 12 destroys a member twice when a later one's initialiser throws.
RefusedImage image_from(const json& object) {
  RefusedImage image;
  image.origin = object.at("image_ref").get<std::string>();
  image.digest = Digest::parse(object.at("digest").get<std::string>());
  image.rules = object.at("rules").get<unsigned>();
  if (object.value("as_boot_file", false)) image.use = model::ImageUse::boot_file;
  const json& declared = object.at("declared_format");
  if (!declared.is_null()) image.declared_format = declared.get<std::string>();
  return image;
}

std::string time_from(const json& object) {
  const auto seconds = object.get_ref<const json::number_integer_t&>();
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time_t{seconds}));
}

Remembered remembered_from(const json& object) {
  RefusedImage image = image_from(object);
  std::string found = time_from(object.at("found"));
  Error error = error_from(object.at("error"));
  return {std::move(image), std::move(found), std::move(error)};
}

bool holds_for(const RefusedImage& refused, const RefusedImage& image) {
  return refused.digest == image.digest && refused.declared_format == image.declared_format &&
         refused.use == image.use && refused.rules == image.rules;
}

Error repeated(const Remembered& refusal, const model::CacheKey& key) {
  Error error(refusal.error.code(),
              fmt::format("{} (found at {}; its record hasn't changed since, so it wasn't fetched again)",
                          refusal.error.message(), refusal.found));
  error.set_hint(fmt::format("{}{}'basecache cache remove {}' forgets this, and the next request fetches it again",
                             refusal.error.hint(), refusal.error.hint().empty() ? "" : "; ", key.text()));
  for (const auto& [name, value] : refusal.error.fields()) error.add_field(name, value);
  return error;
}

std::vector<std::pair<std::time_t, Path>> by_age(const Path& directory) {
  std::vector<std::pair<std::time_t, Path>> files;
  for (const Path& file : layout::state_files(directory)) {
    boost::system::error_code gone;
    const std::time_t written = fs::last_write_time(file, gone);
    if (!gone) files.emplace_back(written, file);
  }
  std::ranges::sort(files);
  return files;
}

void limit(const Path& directory) {
  const auto files = by_age(directory);
  for (std::size_t i = 0; i + Refusals::kMost < files.size(); ++i) remove_file(files[i].second);
}

}  // namespace

void Refusals::remember(const model::CacheKey& key, const RefusedImage& image, const Error& why) const noexcept {
  if (!fetch::is_lasting_refusal(why)) return;
  try {
    const json object = to_json(image, why);
    layout::replace_state_file(layout_, layout_.refusal(key),
                               object.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    limit(layout_.refusal_directory());
  } catch (const std::exception&) {
    // The caller hears of the refusal itself.
  }
}

void Refusals::require_none(const model::CacheKey& key, const RefusedImage& image) const {
  const auto refusal = [&]() -> std::optional<Remembered> {
    try {
      const auto text = read_small_file(layout_.refusal(key));
      return text ? std::optional(remembered_from(json::parse(*text))) : std::nullopt;
    } catch (const std::exception&) {
      forget(key);
      return std::nullopt;
    }
  }();
  if (refusal && holds_for(refusal->image, image)) throw repeated(*refusal, key);
}

bool Refusals::forget(const model::CacheKey& key) const {
  boost::system::error_code stays;
  return fs::remove(layout_.refusal(key), stays);
}

std::size_t Refusals::forget_older_than(std::chrono::seconds age) const {
  const std::time_t latest = std::time(nullptr) - age.count();
  std::size_t count = 0;
  for (const auto& [written, file] : by_age(layout_.refusal_directory())) {
    if (written > latest) break;
    remove_file(file);
    ++count;
  }
  return count;
}

}  // namespace basecache::cache
