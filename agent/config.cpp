#include "agent/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/config_file.hpp"
#include "agent/config_options.hpp"
#include "agent/config_values.hpp"
#include "agent/nova_conf.hpp"

namespace basecache {
namespace {

struct Setting {
  std::string value;
  std::string origin;
};
// What was set, weaker sources overwritten by stronger ones.
using Settings = std::map<const ConfigOption*, Setting>;

// URLs of servers may hold a password.
std::string without_credentials(const std::string& value) {
  if (value.find("://") == std::string::npos) return value;
  std::vector<std::string> parts = split_list(value);
  std::ranges::transform(parts, parts.begin(), redact_url);
  return show_list(parts);
}

Error bad_value(const ConfigOption& option, const Setting& setting, const BadValue& bad) {
  Error error(ErrorCode::invalid_request,
              fmt::format("{}: {}: {} isn't {}", setting.origin, label(option),
                          option.is_secret ? "its value" : quote(without_credentials(setting.value)), bad.what()));
  error.set_hint(fmt::format("its default is {}", quote(default_text(option))));
  error.add_field("option", label(option));
  return error;
}

void parse_into(Config& config, const ConfigOption& option, const Setting& setting) {
  try {
    option.value.parse(config, setting.value);
  } catch (const BadValue& bad) {
    throw bad_value(option, setting, bad);
  }
}

// Also checks the value: a mistake is told even where a stronger source overrides it.
void set(Settings& settings, const ConfigOption& option, Setting setting) {
  Config unused;
  parse_into(unused, option, setting);
  settings.insert_or_assign(&option, std::move(setting));
}

// What one file says, each option once.
class FileSettings {
 public:
  void set(const ConfigOption& option, Setting setting) {
    const auto above = settings_.find(&option);
    if (option.adds_up && above != settings_.end()) setting.value = above->second.value + "\n" + setting.value;
    basecache::set(settings_, option, std::move(setting));
  }
  void overwrite(Settings& weaker) && {
    for (auto& [option, setting] : settings_) weaker.insert_or_assign(option, std::move(setting));
  }

 private:
  Settings settings_;
};

std::string origin_of(const ConfigEntry& entry, const Path& file) {
  return fmt::format("{}:{}", quote(file.native()), entry.line);
}

std::string advice_on(const ConfigEntry& entry) {
  std::vector<std::string> names;
  for (const ConfigOption& option : config_options()) {
    if (option.name == entry.name) return fmt::format("it stands in [{}]", option.section);
    names.emplace_back(option.name);
  }
  const std::optional<std::string> near = nearest(entry.name, names);
  if (!near) return "basecached --show-config lists every option";
  for (const ConfigOption& option : config_options()) {
    if (option.name == *near) return "did you mean " + label(option) + "?";
  }
  return {};
}

void take_config_file(Settings& settings, const Path& file) {
  FileSettings said;
  for (const ConfigEntry& entry : read_config_file(file)) {
    const ConfigOption* option = find_option(entry.section, entry.name);
    if (option == nullptr) {
      Error error(ErrorCode::invalid_request,
                  fmt::format("{}: there is no option {} in section {}", origin_of(entry, file), quote(entry.name),
                              quote(entry.section)));
      throw error.set_hint(advice_on(entry));
    }
    said.set(*option, {entry.value, origin_of(entry, file)});
  }
  std::move(said).overwrite(settings);
}

void take_nova_conf(Settings& settings, const Path& file) {
  FileSettings said;
  for (const ConfigEntry& entry : our_options(read_config_file(file), file)) {
    said.set(*find_option(entry.section, entry.name), {entry.value, origin_of(entry, file)});
  }
  std::move(said).overwrite(settings);
}

// A path of the command line is relative to where the command was given.
void take_argument(Settings& settings, std::string_view section, std::string_view name,
                   const std::optional<Path>& path) {
  if (!path) return;
  const Path absolute = path->empty() ? *path : boost::filesystem::absolute(*path).lexically_normal();
  set(settings, *find_option(section, name), {absolute.string(), "command line"});
}

std::optional<Path> chosen_config_file(const ConfigSources& sources) {
  if (sources.config_file) return sources.config_file;
  boost::system::error_code error;
  if (boost::filesystem::exists(default_config_file, error)) return Path(default_config_file);
  return std::nullopt;
}

}  // namespace

LoadedConfig load_config(const ConfigSources& sources) {
  Settings settings;
  if (sources.nova_conf) take_nova_conf(settings, *sources.nova_conf);
  if (const auto file = chosen_config_file(sources)) take_config_file(settings, *file);
  take_argument(settings, "DEFAULT", "instances_path", sources.instances_path);
  take_argument(settings, "basecache", "socket", sources.socket);

  LoadedConfig loaded;
  for (const ConfigOption& option : config_options()) {
    const auto found = settings.find(&option);
    if (found != settings.end()) {
      parse_into(loaded.config, option, found->second);
      loaded.origins.emplace(fmt::format("{}.{}", option.section, option.name), found->second.origin);
    } else if (!option.default_word.empty()) {
      option.value.parse(loaded.config, option.default_word);
    }
  }
  return loaded;
}

std::string to_text(const LoadedConfig& loaded) {
  std::string text;
  std::string_view section;
  for (const ConfigOption& option : config_options()) {
    if (option.section != section) {
      section = option.section;
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    }
    const auto origin = loaded.origins.find(fmt::format("{}.{}", option.section, option.name));
    const std::string value = without_credentials(option.value.show(loaded.config));
    text +=
        fmt::format("# {}\n# {}\n", option.doc, origin == loaded.origins.end() ? "default" : "from " + origin->second);
    text += option.is_secret && !value.empty() ? fmt::format("# {} is set, and not shown\n", option.name)
                                               : fmt::format("{} = {}\n", option.name, value);
  }
  return text;
}

}  // namespace basecache
