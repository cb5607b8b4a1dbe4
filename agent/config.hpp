#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/log.hpp"
#include "agent/base/path.hpp"
#include "agent/base/secret.hpp"
#include "agent/glance_config.hpp"
#include "agent/lvm_config.hpp"
#include "agent/model/disk_format.hpp"
#include "agent/model/drive_format.hpp"
#include "agent/model/mkfs_command.hpp"
#include "agent/model/virt_type.hpp"

namespace basecache {

enum class PreallocateImages { none, space };
// Which registry knows the images that requests name by UUID. automatic: Glance where one is configured.
enum class RegistryChoice { automatic, directory, glance };
// Whether the daemon goes on when the kernel lacks a part of the sandbox.
enum class SandboxNeed { available, required };
enum class DiskSync { none, data };
// Whose domains are asked for before anything is pruned. automatic: libvirt's, where it is installed.
enum class DomainsChoice { automatic, libvirt, none };
// What becomes of the start of a domain of ours whose disks can't be made.
enum class HookFailure { refuse, ignore };
// What becomes of the base files of images that their registry has no more, or hands out no more.
enum class DeletedImages { keep, prune_when_unused };

// What a node is told. Names and meaning of all sections but [basecache] are Nova's, so that a nova.conf can be
// read as it is. Each option is documented in packaging/basecached.conf.
struct Config {
  // [DEFAULT]
  std::string host;  // this node's name among those that share instances_path; empty: its hostname
  Path instances_path = "/var/lib/nova/instances";
  bool force_raw_images = true;
  PreallocateImages preallocate_images = PreallocateImages::none;
  bool use_cow_images = true;            // decides images_type where that says "default"
  std::string default_ephemeral_format;  // empty: by os_type (vfat, ntfs, ext4 ...)
  // By os_type; "default": of every other. None: by its file system, whatever is the default.
  std::map<std::string, std::optional<model::MkfsCommand>> virt_mkfs;
  bool force_config_drive = false;
  model::DriveFormat config_drive_format = model::DriveFormat::iso9660;

  // [api]
  std::string dhcp_domain = "novalocal";  // behind the hostnames that guests are told; empty: none

  // [image_cache]
  std::string subdirectory_name = "_base";  // below instances_path; one name, no '/'
  bool remove_unused_base_images = true;
  std::chrono::seconds remove_unused_original_minimum_age{86400};
  std::chrono::seconds remove_unused_resized_minimum_age{3600};
  std::optional<std::chrono::seconds> prune_interval{2400};  // manager_interval; nothing: the daemon never prunes

  // [libvirt]; "default" has been resolved
  model::ImagesType images_type = model::ImagesType::qcow2;
  model::VirtType virt_type = model::VirtType::kvm;
  std::string connection_uri;  // of libvirt; empty: by virt_type
  int inject_partition = -2;   // -2: nothing is injected; -1: inspect; 0: no partitions; else its number
  bool inject_key = false;
  bool inject_password = false;
  LvmConfig lvm;  // [libvirt], [ephemeral_storage_encryption] and [basecache]

  GlanceConfig glance;
  // [keystone_authtoken]: who the agent is at Keystone, by keystoneauth's names. Without auth_url there is no Keystone.
  std::map<std::string, Secret> identity{{"auth_type", Secret("password")}};

  // [basecache]
  Path socket = "/run/basecache/agent.sock";
  mode_t socket_mode = 0660;
  std::string socket_group;         // empty: the daemon's own group
  std::vector<uid_t> allowed_uids;  // empty: root and the daemon's own user
  std::size_t workers = 64;         // requests served at the same time; most of them wait for a base file
  std::size_t queue_limit = 1000;   // requests that wait for a worker; more are refused (busy)
  std::size_t build_concurrency;    // base files made at the same time; 2 a core, at least 4: most wait for a source
  std::size_t decode_threads;       // of one base file in the making; 1 a core
  std::size_t copy_concurrency;     // base files copied to disks at the same time; 1 a core, at least 2
  std::chrono::seconds request_deadline{3600};
  std::chrono::seconds stall_timeout{30};  // a source that sends nothing for so long has broken off
  RegistryChoice registry = RegistryChoice::automatic;
  Path registry_directory = "/var/lib/basecache/images";
  std::vector<Path> file_url_directories;  // absolute; file:// references point below one of these. Empty: none may
  std::vector<std::string> url_hosts;      // redirects may lead there although private
  std::string s3_region = "us-east-1";     // of object stores whose host name doesn't say it
  Path certificate_directory =
      "/etc/basecache/certificates";  // <uuid>.pem: signers of images, and whom they are trusted by
  bool allow_md5 = false;             // an md5 is enough to tell bytes from others
  Bytes max_image_bytes = gibibytes(1024);
  Bytes max_virtual_size = gibibytes(64 * 1024);  // of an image's disk
  SandboxNeed sandbox = SandboxNeed::available;
  DiskSync disk_sync = DiskSync::none;
  std::string disk_owner;   // user[:group] that an instance's files are given to; empty: they stay the agent's own
  mode_t disk_mode = 0600;  // of an instance's files
  DomainsChoice domains = DomainsChoice::automatic;
  std::chrono::seconds hook_deadline{10};  // for which a domain's start waits for its disks
  HookFailure hook_failure = HookFailure::refuse;
  std::optional<Bytes> cache_max_bytes;  // allocated, of all base files; nothing: no limit
  std::optional<Bytes> min_free_bytes;   // left free in the file system; nothing: by its size
  DeletedImages deleted_images = DeletedImages::keep;
  std::vector<std::string> precache;             // image refs, or the absolute paths of files of them
  std::chrono::seconds precache_interval{3600};  // between looks at that list; 0: at the start only
  LogLevel log_level = LogLevel::info;

  // The defaults, with those that depend on the number of cores.
  Config();
};

// Read when no config file is named and it exists.
inline constexpr const char* default_config_file = "/etc/basecache/basecached.conf";

// Where values come from, weakest first: defaults, nova_conf, config_file, then the command line's own.
struct ConfigSources {
  std::optional<Path> config_file;  // absent: default_config_file, if it exists
  std::optional<Path> nova_conf;    // options that aren't ours are ignored
  std::optional<Path> instances_path;
  std::optional<Path> socket;
};

struct LoadedConfig {
  Config config;
  // "section.option" -> "<file>:<line>" or "command line"; an option that isn't here has its default.
  std::map<std::string, std::string> origins;
};

// Error(invalid_request) for an unknown option of the config file, a value we don't take, or a named file that can't
// be read; the message names file, line and option, and what would have been right.
LoadedConfig load_config(const ConfigSources& sources);

// What is in force, as a config file: comments above each option say what it is for and where its value came from.
std::string to_text(const LoadedConfig& loaded);

}  // namespace basecache
