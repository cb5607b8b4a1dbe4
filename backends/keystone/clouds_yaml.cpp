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

Error wrong_merge(const Path& file, const YAML::Node& value) {
  return wrong(file, value.Mark(), "what is merged isn't a mapping or a list of them");
}

// "<<: *other" (https://yaml.org/type/merge.html). Quoted it is a key as any.
bool is_merge_key(const YAML::Node& key) { return key.IsScalar() && key.Scalar() == "<<" && key.Tag() == "?"; }

// Those that `map` merges, best first.
std::vector<YAML::Node> merged_by(const YAML::Node& map, const Path& file) {
  std::vector<YAML::Node> merged;
  for (const auto& entry : map) {
    if (!is_merge_key(entry.first)) continue;
    const YAML::Node& value = entry.second;
    if (value.IsMap()) merged.push_back(value);
    if (!value.IsMap() && !value.IsSequence()) throw wrong_merge(file, value);
    if (!value.IsSequence()) continue;
    for (const auto& item : value) {
      if (!item.IsMap()) throw wrong_merge(file, item);
      merged.push_back(item);
    }
  }
  return merged;
}

// The mapping and all that it merges, each once (they may merge one another in a ring), best first.
std::vector<YAML::Node> with_merged(const YAML::Node& map, const Path& file) {
  std::vector<YAML::Node> found;
  std::vector<YAML::Node> open{map};
  while (!open.empty()) {
    const YAML::Node next = open.back();
    open.pop_back();
    if (std::ranges::any_of(found, [&](const YAML::Node& known) { return known.is(next); })) continue;
    found.push_back(next);
    const std::vector<YAML::Node> merged = merged_by(next, file);
    open.insert(open.end(), merged.rbegin(), merged.rend());
  }
  return found;
}

// Null when there is no such key, or nothing behind it. `map` stands in `file`.
YAML::Node child(const YAML::Node& map, const std::string& key, const Path& file) {
  if (map.IsNull()) return {};
  if (!map.IsMap()) throw wrong(file, map.Mark(), "there is no mapping ('key: value' lines)");
  for (const YAML::Node& part : with_merged(map, file)) {
    const YAML::Node found = part[key];
    if (found.IsDefined()) return found;
  }
  return {};
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

std::vector<std::string> keys_of(const YAML::Node& map, const Path& file) {
  std::vector<std::string> keys;
  for (const YAML::Node& part : with_merged(map, file)) {
    for (const auto& entry : part) {
      if (entry.first.IsScalar() && !is_merge_key(entry.first)) keys.push_back(entry.first.Scalar());
    }
  }
  return keys;
}

Error no_such_cloud(const std::string& cloud, const YAML::Node& clouds, const Path& file) {
  Error error(ErrorCode::invalid_request,
              fmt::format("there is no cloud {} in {}", quote(cloud), quote(file.string())));
  if (const auto meant = nearest(cloud, keys_of(clouds, file))) {
    return error.set_hint("did you mean " + quote(*meant) + "?");
  }
  return error.set_hint("set OS_CLOUD to one of the names below 'clouds:' there");
}

// The name of the first of "regions": a text, or a mapping with a name. "" without any.
std::string first_region(const YAML::Node& entry, const Path& file) {
  const YAML::Node regions = child(entry, "regions", file);
  if (regions.IsNull()) return {};
  const Error no_names = wrong(file, regions.Mark(), "regions isn't a list of names");
  if (!regions.IsSequence()) throw no_names;
  if (regions.size() == 0) return {};
  const YAML::Node first = regions[0];
  const YAML::Node name = first.IsMap() ? child(first, "name", file) : first;
  if (!name.IsScalar()) throw no_names;
  return name.Scalar();
}

// The cloud's entry in the file; Null when it has none.
YAML::Node apply_file(CloudAccess& access, const TextFile& file, const std::string& cloud, bool must_have_it) {
  const YAML::Node clouds = child(YAML::Load(file.text), "clouds", file.path);
  YAML::Node entry = child(clouds, cloud, file.path);
  if (entry.IsNull()) {
    if (must_have_it) throw no_such_cloud(cloud, clouds, file.path);
    return entry;
  }
  apply_settings(access, settings_in(entry, file.path));
  apply_settings(access, settings_in(child(entry, "auth", file.path), file.path));
  if (access.region.empty()) access.region = first_region(entry, file.path);
  return entry;
}

YAML::Node apply_or_say_where(CloudAccess& access, const TextFile& file, const std::string& cloud, bool must_have_it) {
  try {
    return apply_file(access, file, cloud, must_have_it);
  } catch (const YAML::Exception& error) {
    throw wrong(file.path, error.mark, "it isn't YAML");  // the library's message may quote the file
  }
}

// openstacksdk knows some clouds' addresses itself.
void refuse_missing_profile(const CloudAccess& access, const YAML::Node& entry, const Path& file) {
  if (!access.auth.auth_url.empty() || access.auth.auth_type == "none") return;
  const auto profile = settings_in(entry, file)("profile");
  if (!profile) return;
  throw Error(ErrorCode::invalid_request,
              fmt::format("auth_url is missing in {}: its profile {} isn't read", access.auth.origin, quote(*profile)))
      .set_hint("copy auth_url, and what else is needed, from the vendor's profile into the cloud's entry");
}

}  // namespace

CloudAccess access_from(const TextFile& clouds, const std::optional<TextFile>& secure, const std::string& cloud) {
  CloudAccess access = blank_access();
  access.auth.origin = fmt::format("cloud {} of {}", quote(cloud), quote(clouds.path.string()));
  const YAML::Node entry = apply_or_say_where(access, clouds, cloud, true);
  if (secure) apply_or_say_where(access, *secure, cloud, false);
  refuse_missing_profile(access, entry, clouds.path);
  complete(access);
  return access;
}

}  // namespace basecache::keystone
