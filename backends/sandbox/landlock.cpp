#include "backends/sandbox/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::sandbox {
namespace {

// Later than the headers of Debian 12: linux/landlock.h of Linux 6.12.
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;     // version 3
constexpr std::uint64_t kDeviceIoctl = std::uint64_t{1} << 15;  // version 5
constexpr std::uint64_t kBindTcp = 1;                           // version 4
constexpr std::uint64_t kConnectTcp = 2;
constexpr std::uint64_t kAbstractUnixSocket = 1;  // version 6
constexpr std::uint64_t kSignal = 2;

struct RulesetAttributes {
  std::uint64_t handled_files = 0;
  std::uint64_t handled_network = 0;
  std::uint64_t scoped = 0;
};

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kReadDirectory = LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kExecute = LANDLOCK_ACCESS_FS_EXECUTE;
// Version 1: all up to MAKE_SYM.
constexpr std::uint64_t kFirstVersion = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

// Everything the version knows is handled, so that what no rule grants is forbidden.
RulesetAttributes attributes_of(int version) {
  RulesetAttributes attributes{.handled_files = kFirstVersion};
  if (version >= 2) attributes.handled_files |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) attributes.handled_files |= kTruncate;
  if (version >= 4) attributes.handled_network = kBindTcp | kConnectTcp;
  if (version >= 5) attributes.handled_files |= kDeviceIoctl;
  if (version >= 6) attributes.scoped = kAbstractUnixSocket | kSignal;
  return attributes;
}

// How long the structure was in that version; an older kernel refuses a longer one that isn't zero behind its own.
std::size_t size_for(int version) {
  if (version >= 6) return sizeof(RulesetAttributes);
  return version >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

void add_rule(int ruleset, int place, std::uint64_t access, const std::string& name) {
  struct stat status {};
  // Some rights are directories' only, and refused for anything else.
  const bool is_directory = ::fstat(place, &status) == 0 && S_ISDIR(status.st_mode);
  if (!is_directory) access &= ~kReadDirectory;
  const landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = place};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U) == 0) return;
  const int error = errno;
  throw Error::from_errno(error, "allow a child process to open " + name);
}

void add_rules(int ruleset, const std::vector<Path>& paths, std::uint64_t access) {
  for (const Path& path : paths) {
    add_rule(ruleset, open_file(path, O_PATH).get(), access, quote(path.native()));
  }
}

void add_rules(int ruleset, const std::vector<int>& opened, std::uint64_t access) {
  for (const int file : opened) add_rule(ruleset, file, access, "descriptor " + std::to_string(file));
}

}  // namespace

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0UL, LANDLOCK_CREATE_RULESET_VERSION);
  return static_cast<int>(std::max(version, 0L));
}

UniqueFd landlock_ruleset(int version, const Reach& reach) {
  const RulesetAttributes attributes = attributes_of(version);
  UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size_for(version), 0U)));
  const int error = errno;
  if (!ruleset) throw Error::from_errno(error, "make rules for a child process (Landlock)");
  const std::uint64_t writing = (kRead | kWrite | kTruncate) & attributes.handled_files;
  add_rules(ruleset.get(), reach.read, kRead | kReadDirectory);
  add_rules(ruleset.get(), reach.read_opened, kRead);
  add_rules(ruleset.get(), reach.execute, kRead | kReadDirectory | kExecute);
  add_rules(ruleset.get(), reach.write, writing);
  add_rules(ruleset.get(), reach.write_opened, writing);
  add_rules(ruleset.get(), reach.devices_opened, writing | (kDeviceIoctl & attributes.handled_files));
  return ruleset;
}

int allow_own_mounts(int ruleset) noexcept {
  const UniqueFd mounts(::open("/proc/self/mounts", O_PATH | O_CLOEXEC));
  if (!mounts) return errno;
  const landlock_path_beneath_attr rule{.allowed_access = kRead, .parent_fd = mounts.get()};
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U) == 0 ? 0 : errno;
}

}  // namespace basecache::sandbox
