#include "agent/config_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "agent/base/text.hpp"
#include "agent/config_values.hpp"
#include "agent/option_kinds.hpp"
#include "agent/option_parsers.hpp"

namespace basecache {
namespace {

using namespace option_kinds;

constexpr std::array<std::pair<std::string_view, PreallocateImages>, 2> kPreallocations{
    {{"none", PreallocateImages::none}, {"space", PreallocateImages::space}}};
constexpr std::array<std::pair<std::string_view, model::DriveFormat>, 2> kDriveFormats{
    {{"iso9660", model::DriveFormat::iso9660}, {"vfat", model::DriveFormat::vfat}}};
constexpr std::array<std::pair<std::string_view, RegistryChoice>, 3> kRegistries{
    {{"auto", RegistryChoice::automatic},
     {"directory", RegistryChoice::directory},
     {"glance", RegistryChoice::glance}}};
constexpr std::array<std::pair<std::string_view, DiskSync>, 2> kDiskSyncs{
    {{"none", DiskSync::none}, {"data", DiskSync::data}}};
constexpr std::array<std::pair<std::string_view, SandboxNeed>, 2> kSandboxNeeds{
    {{"available", SandboxNeed::available}, {"required", SandboxNeed::required}}};
constexpr std::array<std::pair<std::string_view, model::VirtType>, 5> kVirtTypes{
    {{"kvm", model::VirtType::kvm},
     {"qemu", model::VirtType::qemu},
     {"lxc", model::VirtType::lxc},
     {"uml", model::VirtType::uml},
     {"parallels", model::VirtType::parallels}}};
constexpr std::array<std::pair<std::string_view, VolumeClear>, 3> kVolumeClears{
    {{"none", VolumeClear::none}, {"zero", VolumeClear::zero}, {"shred", VolumeClear::shred}}};
constexpr std::array<std::pair<std::string_view, DomainsChoice>, 3> kDomainsChoices{
    {{"auto", DomainsChoice::automatic}, {"libvirt", DomainsChoice::libvirt}, {"none", DomainsChoice::none}}};
constexpr std::array<std::pair<std::string_view, HookFailure>, 2> kHookFailures{
    {{"fail", HookFailure::refuse}, {"ignore", HookFailure::ignore}}};
constexpr std::array<std::pair<std::string_view, DeletedImages>, 2> kDeletedImages{
    {{"keep", DeletedImages::keep}, {"prune_when_unused", DeletedImages::prune_when_unused}}};
constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLogLevels{{{"debug", LogLevel::debug},
                                                                           {"info", LogLevel::info},
                                                                           {"warning", LogLevel::warning},
                                                                           {"error", LogLevel::error},
                                                                           {"critical", LogLevel::critical}}};

model::ImagesType parse_images_type(std::string_view text, bool use_cow_images) {
  if (text == "default") return use_cow_images ? model::ImagesType::qcow2 : model::ImagesType::raw;
  if (const auto type = model::images_type_from(text)) return *type;
  throw BadValue("one of raw, flat, qcow2, lvm, default");
}

std::size_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }
std::size_t default_build_concurrency() { return std::max<std::size_t>(4, 2 * cores()); }
std::size_t default_copy_concurrency() { return std::max<std::size_t>(2, cores()); }

template <class Values, class Show>
std::string show_each(const Values& values, Show&& show) {
  std::vector<std::string> parts;
  for (const auto& value : values) parts.push_back(show(value));
  return show_list(parts);
}

template <auto... members>
constexpr OptionValue lvm_name = checked<parse_lvm_name, members...>;

// The only member of their kind.
constexpr OptionValue images_type{
    [](Config& config, std::string_view text) { config.images_type = parse_images_type(text, config.use_cow_images); },
    [](const Config& config) { return std::string(model::name_of(config.images_type)); }};
constexpr OptionValue inject_partition{
    [](Config& config, std::string_view text) { config.inject_partition = parse_partition(text); },
    [](const Config& config) { return fmt::format("{}", config.inject_partition); }};
constexpr OptionValue prune_interval{
    [](Config& config, std::string_view text) { config.prune_interval = parse_prune_interval(text); },
    [](const Config& config) { return show_prune_interval(config.prune_interval); }};
constexpr OptionValue cache_max_bytes{
    [](Config& config, std::string_view text) {
      config.cache_max_bytes = text == "none" ? std::nullopt : std::optional(parse_bytes(text, ", or 'none'"));
    },
    [](const Config& config) { return config.cache_max_bytes ? show_bytes(*config.cache_max_bytes) : "none"; }};
constexpr OptionValue min_free_bytes{
    [](Config& config, std::string_view text) {
      constexpr const char* kOtherwise = ", or '0' for no limit, or 'auto'";
      config.min_free_bytes =
          text == "auto" ? std::nullopt : std::optional(text == "0" ? Bytes{} : parse_bytes(text, kOtherwise));
    },
    [](const Config& config) {
      if (!config.min_free_bytes) return std::string("auto");
      return config.min_free_bytes->count == 0 ? "0" : show_bytes(*config.min_free_bytes);
    }};
// Ten minutes after its start a domain that doesn't run is taken for ended (cache::DomainLeases).
constexpr std::uint64_t kLongestHook = 300;
constexpr OptionValue hook_deadline{
    [](Config& config, std::string_view text) {
      config.hook_deadline = std::chrono::seconds(parse_number(text, 1, kLongestHook));
    },
    [](const Config& config) { return fmt::format("{}", config.hook_deadline.count()); }};
constexpr OptionValue mkfs_commands{
    [](Config& config, std::string_view text) { config.virt_mkfs = parse_mkfs_commands(text); },
    [](const Config& config) { return show_mkfs_commands(config.virt_mkfs); }};
template <mode_t Config::*member>
constexpr OptionValue mode{[](Config& config, std::string_view text) { config.*member = parse_mode(text); },
                           [](const Config& config) { return show_mode(config.*member); }};
constexpr OptionValue allowed_uids{
    [](Config& config, std::string_view text) { config.allowed_uids = parse_uids(text); },
    [](const Config& config) { return show_each(config.allowed_uids, [](uid_t uid) { return std::to_string(uid); }); }};
constexpr OptionValue file_url_directories{
    [](Config& config, std::string_view text) { config.file_url_directories = parse_directories(text); },
    [](const Config& config) {
      return show_each(config.file_url_directories, [](const Path& directory) { return directory.string(); });
    }};
// The name of an option, as a template's argument.
template <std::size_t size>
struct OptionName {
  consteval OptionName(const char (&name)[size]) { std::ranges::copy(name, text.begin()); }
  std::array<char, size> text{};
};

// An option of [keystone_authtoken]: kept under its name, for keystone::set_auth_option().
template <OptionName name, auto& parse_text = parse_line>
consteval ConfigOption identity_option(std::string_view doc, bool is_secret = false) {
  ConfigOption option{
      "keystone_authtoken",
      name.text.data(),
      {[](Config& config, std::string_view text) { config.identity[name.text.data()] = Secret(parse_text(text)); },
       [](const Config& config) {
         const auto found = config.identity.find(name.text.data());
         return found == config.identity.end() ? std::string() : found->second.reveal();
       }},
      doc};
  option.is_secret = is_secret;
  return option;
}

// Nova's word for it is multi-valued.
consteval ConfigOption several_times(ConfigOption option) {
  option.adds_up = true;
  return option;
}

constexpr unsigned kMostRetries = 100;
constexpr unsigned kMostWaiting = 1'000'000;
constexpr unsigned kMostMebibytes = 1U << 30;

constexpr std::array kOptions{
    ConfigOption{"DEFAULT", "instances_path", path<&Config::instances_path>,
                 "Directory of instances and base files; Nova's, when both run on this node."},
    ConfigOption{"DEFAULT", "host", name<&Config::host>,
                 "This node's name among those that share instances_path; empty: its hostname."},
    ConfigOption{"DEFAULT", "force_raw_images", flag<&Config::force_raw_images>,
                 "Base files are converted to raw (true), or keep the image's format (false)."},
    ConfigOption{"DEFAULT", "preallocate_images", choice<kPreallocations, &Config::preallocate_images>,
                 "space: disks own all their blocks from the start. none: they grow."},
    ConfigOption{"DEFAULT", "use_cow_images", flag<&Config::use_cow_images>,
                 "What images_type = default means: qcow2 overlays (true) or whole copies (false)."},
    ConfigOption{"DEFAULT", "default_ephemeral_format", checked<parse_file_system, &Config::default_ephemeral_format>,
                 "File system of ephemeral disks whose request names none; empty: by os_type."},
    several_times({"DEFAULT", "virt_mkfs", mkfs_commands,
                   "os_type=command that formats ephemeral disks; one a line, or the option once for each."}),
    ConfigOption{"DEFAULT", "force_config_drive", flag<&Config::force_config_drive>,
                 "Every instance gets a config drive."},
    ConfigOption{"DEFAULT", "config_drive_format", choice<kDriveFormats, &Config::config_drive_format>,
                 "What new config drives are: iso9660 (an optical disc) or vfat (a disk of 64 MiB)."},

    ConfigOption{"api", "dhcp_domain", name<&Config::dhcp_domain>,
                 "Domain behind the hostnames that guests are told; empty: none.", "", "DEFAULT", "dhcp_domain"},

    ConfigOption{"image_cache", "subdirectory_name", checked<parse_file_name, &Config::subdirectory_name>,
                 "Directory of base files, below instances_path.", "", "DEFAULT", "image_cache_subdirectory_name"},
    ConfigOption{"image_cache", "manager_interval", prune_interval,
                 "Seconds after which the daemon prunes; 0: Nova's 60, -1: never by itself.", "", "DEFAULT",
                 "image_cache_manager_interval"},
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
                 "How disks are made: qcow2 (overlay), raw or flat (whole copy), lvm, default (see use_cow_images).",
                 "default"},
    ConfigOption{"libvirt", "connection_uri", text<&Config::connection_uri>,
                 "Where libvirt is asked for its domains; empty: by virt_type (qemu:///system)."},
    ConfigOption{
        "libvirt", "virt_type", choice<kVirtTypes, &Config::virt_type>,
        "What runs the instances, for libvirt.xml: kvm, qemu (without hardware's help), lxc, uml or parallels."},
    ConfigOption{
        "libvirt", "inject_partition", inject_partition,
        "Where files are injected into root disks: -2 nowhere, -1 the root file system that is found, 0 a disk "
        "without partitions, else the partition's number."},
    ConfigOption{"libvirt", "inject_key", flag<&Config::inject_key>, "The ssh key is injected."},
    ConfigOption{"libvirt", "inject_password", flag<&Config::inject_password>, "The admin password is injected."},
    ConfigOption{"libvirt", "images_volume_group", lvm_name<&Config::lvm, &LvmConfig::images_volume_group>,
                 "Volume group of disks on LVM; empty: none."},
    ConfigOption{"libvirt", "sparse_logical_volumes", flag<&Config::lvm, &LvmConfig::sparse_logical_volumes>,
                 "Volumes take space as they are written, and break when there is none left."},
    ConfigOption{"libvirt", "volume_clear", choice<kVolumeClears, &Config::lvm, &LvmConfig::volume_clear>,
                 "What a deleted volume is overwritten with: zero, shred (three times random bytes), or none."},
    ConfigOption{"libvirt", "volume_clear_size", number<0, kMostMebibytes, &Config::lvm, &LvmConfig::volume_clear_size>,
                 "MiB from a deleted volume's beginning that are overwritten; 0: all of it."},

    ConfigOption{"ephemeral_storage_encryption", "enabled", flag<&Config::lvm, &LvmConfig::encrypts>,
                 "Volumes are encrypted (dm-crypt), with the key that the request names."},
    ConfigOption{"ephemeral_storage_encryption", "cipher", name<&Config::lvm, &LvmConfig::cipher>,
                 "Cipher and mode of encrypted volumes, in cryptsetup's words."},
    ConfigOption{"ephemeral_storage_encryption", "key_size", number<256, 512, &Config::lvm, &LvmConfig::key_size>,
                 "Bits of an encrypted volume's key: 256 or 512."},

    ConfigOption{"glance", "api_servers", list<parse_servers, &Config::glance, &GlanceConfig::api_servers>,
                 "List of URLs of the image service; empty: as the catalog says."},
    ConfigOption{"glance", "api_version", number<1, 2, &Config::glance, &GlanceConfig::api_version>,
                 "Version of the image service's API; 1 is read only."},
    ConfigOption{"glance", "registry_servers", list<parse_servers, &Config::glance, &GlanceConfig::registry_servers>,
                 "List of URLs of version 1's own registry; empty: the image service knows the records."},
    ConfigOption{"glance", "endpoint_override", text<&Config::glance, &GlanceConfig::endpoint_override>,
                 "URL of the image service, whatever the catalog says; empty: none."},
    ConfigOption{"glance", "service_type", name<&Config::glance, &GlanceConfig::service_type>,
                 "Type of the image service in the catalog."},
    ConfigOption{"glance", "service_name", text<&Config::glance, &GlanceConfig::service_name>,
                 "Name of the image service in the catalog; empty: any."},
    ConfigOption{"glance", "valid_interfaces", list<parse_words, &Config::glance, &GlanceConfig::valid_interfaces>,
                 "List of the interfaces of an endpoint in the catalog, best first."},
    ConfigOption{"glance", "region_name", text<&Config::glance, &GlanceConfig::region_name>,
                 "Region of the image service in the catalog; empty: any."},
    ConfigOption{"glance", "cafile", path_or_none<&Config::glance, &GlanceConfig::cafile>,
                 "PEM file of the authorities that image servers are trusted by; empty: the system's."},
    ConfigOption{"glance", "certfile", path_or_none<&Config::glance, &GlanceConfig::certfile>,
                 "PEM file of our certificate for image servers that want one."},
    ConfigOption{"glance", "keyfile", path_or_none<&Config::glance, &GlanceConfig::keyfile>, "PEM file of its key."},
    ConfigOption{"glance", "num_retries", number<0, kMostRetries, &Config::glance, &GlanceConfig::num_retries>,
                 "Attempts at a download after the first one that bring nothing; 0: one attempt at each server."},
    ConfigOption{"glance", "allowed_direct_url_schemes",
                 list<parse_words, &Config::glance, &GlanceConfig::allowed_direct_url_schemes>,
                 "List of schemes of image locations that are tried before the image service; empty: none."},
    ConfigOption{"glance", "verify_glance_signatures", flag<&Config::glance, &GlanceConfig::verify_glance_signatures>,
                 "Only images with a valid signature are taken."},
    ConfigOption{"glance", "enable_certificate_validation",
                 flag<&Config::glance, &GlanceConfig::enable_certificate_validation>,
                 "The signer's certificate must be signed by a trusted one."},
    ConfigOption{"glance", "default_trusted_certificate_ids",
                 list<parse_uuids, &Config::glance, &GlanceConfig::default_trusted_certificate_ids>,
                 "List of UUIDs of trusted certificates."},

    identity_option<"auth_type", parse_word>("How we authenticate: password, token, v3applicationcredential or none."),
    identity_option<"auth_url">("URL of Keystone; empty: none."),
    identity_option<"cafile", parse_optional_path>(
        "PEM file of the authorities that Keystone is trusted by; empty: the system's."),
    identity_option<"certfile", parse_optional_path>("PEM file of our certificate, where Keystone wants one."),
    identity_option<"keyfile", parse_optional_path>("PEM file of its key."),
    identity_option<"username">("Our user."),
    identity_option<"user_id">("Our user by its id."),
    identity_option<"user_domain_name">("The domain of our user."),
    identity_option<"user_domain_id">("The domain of our user by its id."),
    identity_option<"password">("Our password.", true),
    identity_option<"application_credential_id">("Our application credential, with auth_type v3applicationcredential."),
    identity_option<"application_credential_name">(
        "Our application credential by its name; the user must be named too."),
    identity_option<"application_credential_secret">("The secret of our application credential.", true),
    identity_option<"token">("Our token, with auth_type token. It can't be renewed.", true),
    identity_option<"project_name">("The project in which we act."),
    identity_option<"project_id">("The project in which we act, by its id."),
    identity_option<"project_domain_name">("The domain of the project."),
    identity_option<"project_domain_id">("The domain of the project by its id."),
    identity_option<"domain_name">("The domain in which we act, instead of a project."),
    identity_option<"domain_id">("The domain in which we act, by its id."),
    identity_option<"system_scope">("all: we act on the whole system, instead of in a project."),
    identity_option<"trust_id">("The trust by which we act."),
    identity_option<"default_domain_name">("The domain of user and project where they name none."),
    identity_option<"default_domain_id">("The domain of user and project where they name none, by its id."),

    ConfigOption{"basecache", "socket", path<&Config::socket>, "Where the agent listens."},
    ConfigOption{"basecache", "socket_mode", mode<&Config::socket_mode>, "Permissions of the socket, octal."},
    ConfigOption{"basecache", "socket_group", name<&Config::socket_group>,
                 "Group that owns the socket and whose members are served; empty: the agent's own, nobody by group."},
    ConfigOption{"basecache", "allowed_uids", allowed_uids,
                 "List of the numeric users who are served; empty: root and the agent's own."},
    ConfigOption{"basecache", "workers", number<1, kMostThreads, &Config::workers>,
                 "Requests served at the same time; most of them wait for a base file."},
    ConfigOption{"basecache", "queue_limit", number<1, kMostWaiting, &Config::queue_limit>,
                 "Requests that may wait for a worker; more are refused as busy."},
    ConfigOption{"basecache", "build_concurrency", threads<&Config::build_concurrency, default_build_concurrency>,
                 "Base files made at the same time; auto: two for each core, at least 4.", "auto"},
    ConfigOption{"basecache", "decode_threads", threads<&Config::decode_threads, cores>,
                 "Threads that decode one image while it arrives; auto: one for each core.", "auto"},
    ConfigOption{
        "basecache", "copy_concurrency", threads<&Config::copy_concurrency, default_copy_concurrency>,
        "Base files copied to raw disks at the same time, where they can't be cloned; auto: one for each core, "
        "at least 2.",
        "auto"},
    ConfigOption{"basecache", "request_deadline", time<&Config::request_deadline, 1>,
                 "Seconds a request may take, waiting included."},
    ConfigOption{"basecache", "stall_timeout", time<&Config::stall_timeout, 1>,
                 "Seconds in which a source must bring 1 KiB for each, else it counts as gone."},
    ConfigOption{"basecache", "registry", choice<kRegistries, &Config::registry>,
                 "Who knows images named by UUID: directory, glance, or auto (glance where one is configured)."},
    ConfigOption{"basecache", "registry_directory", path<&Config::registry_directory>,
                 "Directory of images that requests name by id."},
    ConfigOption{"basecache", "file_url_directories", file_url_directories,
                 "List of directories below which file:// references and locations may point; empty: nowhere."},
    ConfigOption{"basecache", "url_hosts", list<parse_hosts, &Config::url_hosts>,
                 "List of hosts to which redirects and image locations may lead although their address is private."},
    ConfigOption{"basecache", "s3_region", name<&Config::s3_region>,
                 "Region of object stores whose host name doesn't say it."},
    ConfigOption{"basecache", "certificate_directory", path<&Config::certificate_directory>,
                 "Directory of certificates by their UUID: those that sign images, and those that are trusted."},
    ConfigOption{"basecache", "allow_md5", flag<&Config::allow_md5>,
                 "An md5 is enough to tell an image's bytes from others: its locations are tried."},
    ConfigOption{"basecache", "max_image_bytes", bytes<&Config::max_image_bytes>,
                 "Largest image taken: bytes, or a number with KiB, MiB, GiB or TiB."},
    ConfigOption{"basecache", "max_virtual_size", bytes<&Config::max_virtual_size>,
                 "Largest disk that an image may describe, however small the image is."},
    ConfigOption{"basecache", "sandbox", choice<kSandboxNeeds, &Config::sandbox>,
                 "Around programs that read images: what is available, or required (no start without all of it)."},
    ConfigOption{"basecache", "lvm_thin_pool", lvm_name<&Config::lvm, &LvmConfig::thin_pool>,
                 "Thin pool in images_volume_group that volumes are made in; empty: none."},
    ConfigOption{"basecache", "ephemeral_key_directory", path<&Config::lvm, &LvmConfig::key_directory>,
                 "Directory of the keys of encrypted volumes by their UUID, each a file of the key's bytes."},
    ConfigOption{"basecache", "disk_sync", choice<kDiskSyncs, &Config::disk_sync>,
                 "What of an instance's new disks is written out before they are there: none, or their data."},
    ConfigOption{"basecache", "disk_owner", checked<parse_owner, &Config::disk_owner>,
                 "user[:group] that an instance's disks and console.log are given to; empty: the agent's own."},
    ConfigOption{"basecache", "disk_mode", mode<&Config::disk_mode>, "Permissions of an instance's new files, octal."},
    ConfigOption{"basecache", "domains", choice<kDomainsChoices, &Config::domains>,
                 "Whose domains are asked for before base files go: libvirt, none, or auto (libvirt where installed)."},
    ConfigOption{"basecache", "hook_deadline", hook_deadline,
                 "Seconds for which libvirt's hook lets the start of a domain wait for its disks."},
    ConfigOption{"basecache", "hook_failure", choice<kHookFailures, &Config::hook_failure>,
                 "A domain of ours whose disks can't be made: its start fails (fail), or goes on (ignore)."},
    ConfigOption{"basecache", "cache_max_bytes", cache_max_bytes,
                 "Most that base files may take of the disk; none: no limit."},
    ConfigOption{"basecache", "min_free_bytes", min_free_bytes,
                 "What base files leave free of their file system; auto: a twentieth, at most 10 GiB.", "auto"},
    ConfigOption{"basecache", "deleted_images", choice<kDeletedImages, &Config::deleted_images>,
                 "Base files of images that the registry has no more: keep, or prune_when_unused."},
    ConfigOption{"basecache", "precache", list<parse_precache, &Config::precache>,
                 "List of image refs whose base files are made ahead, or of files of them (absolute paths)."},
    ConfigOption{"basecache", "precache_interval", time<&Config::precache_interval, 0>,
                 "Seconds between two looks at that list; 0: only when the daemon starts."},
    ConfigOption{"basecache", "log_level", choice<kLogLevels, &Config::log_level>,
                 "Least that is logged: debug, info, warning, error or critical."},
};

}  // namespace

Config::Config()
    : build_concurrency(default_build_concurrency()),
      decode_threads(cores()),
      copy_concurrency(default_copy_concurrency()) {}

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
