#include "backends/keystone/environment.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/keystone/cloud_settings.hpp"
#include "backends/keystone/clouds_yaml.hpp"

namespace basecache::keystone {
namespace {

std::optional<std::string> value_of(const ReadVariable& variable, const std::string& name) {
  auto value = variable(name);
  return value && value->empty() ? std::nullopt : value;
}

// "region_name" -> "OS_REGION_NAME"
std::string variable_name(std::string_view setting) {
  std::string name = "OS_" + std::string(setting);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

// Where OpenStack's tools look for such a file, best first.
std::vector<Path> places(const ReadVariable& variable, const std::string& named_by, const char* name) {
  std::vector<Path> paths;
  if (const auto file = value_of(variable, named_by)) paths.emplace_back(*file);
  paths.push_back(Path(".") / name);
  if (const auto home = value_of(variable, "XDG_CONFIG_HOME")) paths.push_back(Path(*home) / "openstack" / name);
  if (const auto home = value_of(variable, "HOME")) paths.push_back(Path(*home) / ".config/openstack" / name);
  paths.push_back(Path("/etc/openstack") / name);
  return paths;
}

std::optional<TextFile> first_of(const std::vector<Path>& paths, const ReadFile& read) {
  for (const Path& path : paths) {
    if (auto text = read(path)) return TextFile{path, std::move(*text)};
  }
  return std::nullopt;
}

Error no_clouds_yaml(const std::string& cloud, const std::vector<Path>& paths) {
  std::vector<std::string> names;
  for (const Path& path : paths) names.push_back(quote(path.string()));
  return Error(ErrorCode::invalid_request,
               fmt::format("cannot use cloud {} (OS_CLOUD): there is none of {}", quote(cloud), fmt::join(names, ", ")))
      .set_hint("write one, or unset OS_CLOUD and set OS_AUTH_URL and the like");
}

CloudAccess named_cloud(const std::string& cloud, const ReadVariable& variable, const ReadFile& read) {
  const std::vector<Path> paths = places(variable, "OS_CLIENT_CONFIG_FILE", "clouds.yaml");
  const auto clouds = first_of(paths, read);
  if (!clouds) throw no_clouds_yaml(cloud, paths);
  return access_from(*clouds, first_of(places(variable, "OS_CLIENT_SECURE_FILE", "secure.yaml"), read), cloud);
}

CloudAccess from_variables(const ReadVariable& variable) {
  CloudAccess access = blank_access();
  access.auth.origin = "the environment (OS_ and the name in capitals)";
  apply_settings(access, [&](std::string_view setting) { return value_of(variable, variable_name(setting)); });
  complete(access);
  return access;
}

}  // namespace

std::optional<CloudAccess> access_from_environment(const ReadVariable& variable, const ReadFile& read) {
  if (const auto cloud = value_of(variable, "OS_CLOUD")) return named_cloud(*cloud, variable, read);
  if (!value_of(variable, "OS_AUTH_URL") && !value_of(variable, "OS_AUTH_TYPE")) return std::nullopt;
  return from_variables(variable);
}

}  // namespace basecache::keystone
