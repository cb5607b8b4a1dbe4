#include "backends/keystone/clouds_yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/keystone/cloud_settings.hpp"

namespace basecache::keystone {
namespace {

Error wrong(const Path& file, const YAML::Mark& mark, std::string_view why) {
  const std::string line = mark.is_null() ? "" : fmt::format(", line {}", mark.line + 1);
  return {ErrorCode::invalid_request, fmt::format("cannot read {}{}: {}", quote(file.string()), line, why)};
}

// Null when there is no such key, or nothing behind it. `map` stands in `file`.
YAML::Node child(const YAML::Node& map, const std::string& key, const Path& file) {
  if (map.IsNull()) return {};
  if (!map.IsMap()) throw wrong(file, map.Mark(), "there is no mapping ('key: value' lines)");
  const YAML::Node found = map[key];
  return found.IsDefined() ? found : YAML::Node();
}

// One mapping of settings, its keys written with '_' or '-'.
ReadSetting settings_in(const YAML::Node& map, const Path& file) {
  return [map, file](std::string_view name) -> std::optional<std::string> {
    std::string key(name);
    YAML::Node value = child(map, key, file);
    if (value.IsNull()) {
      std::ranges::replace(key, '_', '-');
      value = child(map, key, file);
    }
    if (value.IsNull()) return std::nullopt;
    if (!value.IsScalar()) throw wrong(file, value.Mark(), fmt::format("{} isn't a text", name));
    return value.Scalar();
  };
}

std::vector<std::string> keys_of(const YAML::Node& map) {
  std::vector<std::string> keys;
  for (const auto& entry : map) {
    if (entry.first.IsScalar()) keys.push_back(entry.first.Scalar());
  }
  return keys;
}

Error no_such_cloud(const std::string& cloud, const YAML::Node& clouds, const Path& file) {
  Error error(ErrorCode::invalid_request,
              fmt::format("there is no cloud {} in {}", quote(cloud), quote(file.string())));
  if (const auto meant = nearest(cloud, keys_of(clouds))) return error.set_hint("did you mean " + quote(*meant) + "?");
  return error.set_hint("set OS_CLOUD to one of the names below 'clouds:' there");
}

void apply_file(CloudAccess& access, const TextFile& file, const std::string& cloud, bool must_have_it) {
  const YAML::Node clouds = child(YAML::Load(file.text), "clouds", file.path);
  const YAML::Node entry = child(clouds, cloud, file.path);
  if (entry.IsNull()) {
    if (must_have_it) throw no_such_cloud(cloud, clouds, file.path);
    return;
  }
  apply_settings(access, settings_in(entry, file.path));
  apply_settings(access, settings_in(child(entry, "auth", file.path), file.path));
}

void apply_or_say_where(CloudAccess& access, const TextFile& file, const std::string& cloud, bool must_have_it) {
  try {
    apply_file(access, file, cloud, must_have_it);
  } catch (const YAML::Exception& error) {
    throw wrong(file.path, error.mark, "it isn't YAML");  // the library's message may quote the file
  }
}

}  // namespace

CloudAccess access_from(const TextFile& clouds, const std::optional<TextFile>& secure, const std::string& cloud) {
  CloudAccess access = blank_access();
  access.auth.origin = fmt::format("cloud {} of {}", quote(cloud), quote(clouds.path.string()));
  apply_or_say_where(access, clouds, cloud, true);
  if (secure) apply_or_say_where(access, *secure, cloud, false);
  complete(access);
  return access;
}

}  // namespace basecache::keystone
