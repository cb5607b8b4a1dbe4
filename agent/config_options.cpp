#include "agent/config_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "agent/config_values.hpp"
#include "agent/model/base_file_spec.hpp"

namespace basecache {
namespace {

using std::chrono::seconds;

constexpr std::array<std::pair<std::string_view, PreallocateImages>, 2> kPreallocations{
    {{"none", PreallocateImages::none}, {"space", PreallocateImages::space}}};
constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLogLevels{{{"debug", LogLevel::debug},
                                                                           {"info", LogLevel::info},
                                                                           {"warning", LogLevel::warning},
                                                                           {"error", LogLevel::error},
                                                                           {"critical", LogLevel::critical}}};

template <class Choices>
auto parse_choice(const Choices& choices, std::string_view text) {
  std::string words;
  for (const auto& [word, value] : choices) {
    if (word == text) return value;
    words += (words.empty() ? "" : ", ") + std::string(word);
  }
  throw BadValue("one of " + words);
}

template <class Choices, class Value>
std::string show_choice(const Choices& choices, Value value) {
  const auto found = std::ranges::find(choices, value, [](const auto& choice) { return choice.second; });
  return std::string(found->first);
}

model::ImagesType parse_images_type(std::string_view text, bool use_cow_images) {
  if (text == "default") return use_cow_images ? model::ImagesType::qcow2 : model::ImagesType::raw;
  if (const auto type = model::images_type_from(text)) return *type;
  throw BadValue("one of raw, flat, qcow2, default");
}

std::string parse_file_system(std::string_view text) {
  if (text.empty() || model::is_supported_file_system(text)) return std::string(text);
  throw BadValue(fmt::format("empty or one of {}", fmt::join(model::supported_file_systems(), ", ")));
}

constexpr std::size_t kMostThreads = 1024;

std::size_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }
std::size_t default_build_concurrency() { return std::max<std::size_t>(2, cores()); }

std::size_t parse_threads(std::string_view text, std::size_t by_cores) {
  if (text == "auto") return by_cores;
  try {
    return parse_number(text, 1, kMostThreads);
  } catch (const BadValue& bad) {
    throw BadValue(fmt::format("auto or {}", bad.what()));
  }
}

std::vector<uid_t> parse_uids(std::string_view text) {
  std::vector<uid_t> uids;
  for (const std::string& part : split_list(text)) {
    // The last one is (uid_t)-1, which is nobody.
    uids.push_back(static_cast<uid_t>(parse_number(part, 0, std::numeric_limits<uid_t>::max() - 1)));
  }
  return uids;
}

std::vector<Path> parse_directories(std::string_view text) {
  std::vector<Path> directories;
  for (const std::string& part : split_list(text)) directories.push_back(parse_absolute_path(part));
  return directories;
}

// A name, or an address with ':' in it; a URL or a port would never match.
std::vector<std::string> parse_hosts(std::string_view text) {
  std::vector<std::string> hosts = split_list(text);
  for (const std::string& host : hosts) {
    const auto colons = std::ranges::count(host, ':');
    if (host.find_first_of("/@[] ") != std::string::npos || colons == 1) {
      throw BadValue("a list of host names or addresses, without scheme, brackets and port");
    }
  }
  return hosts;
}

template <class Values, class Show>
std::string show_each(const Values& values, Show&& show) {
  std::vector<std::string> parts;
  for (const auto& value : values) parts.push_back(show(value));
  return show_list(parts);
}

// The kinds of members, so that a row of the table says no more than which member it is.
template <auto member>
constexpr OptionValue flag{[](Config& config, std::string_view text) { config.*member = parse_flag(text); },
                           [](const Config& config) { return show_flag(config.*member); }};
template <auto member>
constexpr OptionValue path{[](Config& config, std::string_view text) { config.*member = parse_absolute_path(text); },
                           [](const Config& config) { return (config.*member).string(); }};
template <auto member, auto& parse_text = parse_word>
constexpr OptionValue name{[](Config& config, std::string_view text) { config.*member = parse_text(text); },
                           [](const Config& config) { return config.*member; }};
template <auto member, unsigned least>
constexpr OptionValue time{
    [](Config& config, std::string_view text) { config.*member = parse_seconds(text, seconds(least)); },
    [](const Config& config) { return fmt::format("{}", (config.*member).count()); }};
template <auto member, unsigned least, unsigned most>
constexpr OptionValue number{[](Config& config, std::string_view text) {
                               config.*member = static_cast<unsigned>(parse_number(text, least, most));
                             },
                             [](const Config& config) { return fmt::format("{}", config.*member); }};
template <auto member, auto& by_cores>
constexpr OptionValue threads{
    [](Config& config, std::string_view text) { config.*member = parse_threads(text, by_cores()); },
    [](const Config& config) { return fmt::format("{}", config.*member); }};
template <auto member, auto& words>
constexpr OptionValue choice{[](Config& config, std::string_view text) { config.*member = parse_choice(words, text); },
                             [](const Config& config) { return show_choice(words, config.*member); }};

// The only member of their kind.
constexpr OptionValue images_type{
    [](Config& config, std::string_view text) { config.images_type = parse_images_type(text, config.use_cow_images); },
    [](const Config& config) { return std::string(model::name_of(config.images_type)); }};
constexpr OptionValue socket_mode{[](Config& config, std::string_view text) { config.socket_mode = parse_mode(text); },
                                  [](const Config& config) { return show_mode(config.socket_mode); }};
constexpr OptionValue allowed_uids{
    [](Config& config, std::string_view text) { config.allowed_uids = parse_uids(text); },
    [](const Config& config) { return show_each(config.allowed_uids, [](uid_t uid) { return std::to_string(uid); }); }};
constexpr OptionValue file_url_directories{
    [](Config& config, std::string_view text) { config.file_url_directories = parse_directories(text); },
    [](const Config& config) {
      return show_each(config.file_url_directories, [](const Path& directory) { return directory.string(); });
    }};
constexpr OptionValue url_hosts{[](Config& config, std::string_view text) { config.url_hosts = parse_hosts(text); },
                                [](const Config& config) { return show_list(config.url_hosts); }};
constexpr OptionValue max_image_bytes{
    [](Config& config, std::string_view text) { config.max_image_bytes = parse_bytes(text); },
    [](const Config& config) { return show_bytes(config.max_image_bytes); }};

constexpr unsigned kMostRetries = 100;
constexpr unsigned kMostWaiting = 1'000'000;

constexpr std::array kOptions{
    ConfigOption{"DEFAULT", "instances_path", path<&Config::instances_path>,
                 "Directory of instances and base files; Nova's, when both run on this node."},
    ConfigOption{"DEFAULT", "force_raw_images", flag<&Config::force_raw_images>,
                 "Base files are converted to raw (true), or keep the image's format (false)."},
    ConfigOption{"DEFAULT", "preallocate_images", choice<&Config::preallocate_images, kPreallocations>,
                 "space: disks own all their blocks from the start. none: they grow."},
    ConfigOption{"DEFAULT", "use_cow_images", flag<&Config::use_cow_images>,
                 "What images_type = default means: qcow2 overlays (true) or whole copies (false)."},
    ConfigOption{"DEFAULT", "default_ephemeral_format", name<&Config::default_ephemeral_format, parse_file_system>,
                 "File system of ephemeral disks whose request names none; empty: by os_type."},
    ConfigOption{"DEFAULT", "force_config_drive", flag<&Config::force_config_drive>,
                 "Every instance gets a config drive."},

    ConfigOption{"image_cache", "subdirectory_name", name<&Config::subdirectory_name, parse_file_name>,
                 "Directory of base files, below instances_path.", "", "DEFAULT", "image_cache_subdirectory_name"},
    ConfigOption{"image_cache", "remove_unused_base_images", flag<&Config::remove_unused_base_images>,
                 "Pruning may remove base files.", "", "DEFAULT", "remove_unused_base_images"},
    ConfigOption{"image_cache", "remove_unused_original_minimum_age_seconds",
                 time<&Config::remove_unused_original_minimum_age, 0>,
                 "Seconds for which an unused base file of an image is kept.", "", "DEFAULT",
                 "remove_unused_original_minimum_age_seconds"},
    ConfigOption{"image_cache", "remove_unused_resized_minimum_age_seconds",
                 time<&Config::remove_unused_resized_minimum_age, 0>,
                 "Seconds for which an unused base file of another size is kept.", "", "libvirt",
                 "remove_unused_resized_minimum_age_seconds"},

    ConfigOption{"libvirt", "images_type", images_type,
                 "How disks are made: qcow2 (overlay), raw or flat (whole copy), default (see use_cow_images).",
                 "default"},

    ConfigOption{"glance", "num_retries", number<&Config::num_retries, 0, kMostRetries>,
                 "Attempts at a download after the first one."},

    ConfigOption{"basecache", "socket", path<&Config::socket>, "Where the agent listens."},
    ConfigOption{"basecache", "socket_mode", socket_mode, "Permissions of the socket, octal."},
    ConfigOption{"basecache", "socket_group", name<&Config::socket_group>,
                 "Group that owns the socket and whose members are served; empty: the agent's own, nobody by group."},
    ConfigOption{"basecache", "allowed_uids", allowed_uids,
                 "List of the numeric users who are served; empty: root and the agent's own."},
    ConfigOption{"basecache", "workers", number<&Config::workers, 1, kMostThreads>,
                 "Requests served at the same time; most of them wait for a base file."},
    ConfigOption{"basecache", "queue_limit", number<&Config::queue_limit, 1, kMostWaiting>,
                 "Requests that may wait for a worker; more are refused as busy."},
    ConfigOption{"basecache", "build_concurrency", threads<&Config::build_concurrency, default_build_concurrency>,
                 "Base files made at the same time; auto: one for each core, at least 2.", "auto"},
    ConfigOption{"basecache", "request_deadline", time<&Config::request_deadline, 1>,
                 "Seconds a request may take, waiting included."},
    ConfigOption{"basecache", "stall_timeout", time<&Config::stall_timeout, 1>,
                 "Seconds without a byte after which a source counts as gone."},
    ConfigOption{"basecache", "registry_directory", path<&Config::registry_directory>,
                 "Directory of images that requests name by id."},
    ConfigOption{"basecache", "file_url_directories", file_url_directories,
                 "List of directories below which file:// references may point; empty: nowhere."},
    ConfigOption{"basecache", "url_hosts", url_hosts,
                 "List of hosts to which redirects may lead although their address is private."},
    ConfigOption{"basecache", "max_image_bytes", max_image_bytes,
                 "Largest image taken: bytes, or a number with KiB, MiB, GiB or TiB."},
    ConfigOption{"basecache", "log_level", choice<&Config::log_level, kLogLevels>,
                 "Least that is logged: debug, info, warning, error or critical."},
};

}  // namespace

Config::Config() : build_concurrency(default_build_concurrency()) {}

std::span<const ConfigOption> config_options() { return kOptions; }

const ConfigOption* find_option(std::string_view section, std::string_view name) {
  const auto* const found = std::ranges::find_if(
      kOptions, [&](const ConfigOption& option) { return option.section == section && option.name == name; });
  return found == kOptions.end() ? nullptr : found;
}

std::string label(const ConfigOption& option) { return fmt::format("[{}] {}", option.section, option.name); }

std::string default_text(const ConfigOption& option) {
  return option.default_word.empty() ? option.value.show(Config{}) : std::string(option.default_word);
}

}  // namespace basecache
