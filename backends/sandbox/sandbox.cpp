#include "backends/sandbox/sandbox.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

namespace basecache::sandbox {
namespace {

// "nobody" and "nogroup" everywhere.
constexpr User kNobody{.uid = 65534, .gid = 65534};

// What the loader, libc and glib open by themselves.
constexpr std::array kSystemPrograms{"/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"};
constexpr std::array kSystemFiles{"/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/urandom", "/sys/devices/system"};
constexpr const char* kSink = "/dev/null";

struct ResourceLimit {
  int resource;
  rlimit64 value;
};

ResourceLimit limit(int resource, std::uint64_t most) { return {resource, {.rlim_cur = most, .rlim_max = most}}; }

// At the first value the kernel sends SIGXCPU, which tells why; at the second it kills.
ResourceLimit cpu_limit(std::chrono::seconds most) {
  const auto seconds = static_cast<std::uint64_t>(most.count());
  return {RLIMIT_CPU, {.rlim_cur = seconds, .rlim_max = seconds + 2}};
}

// Everything is prepared by the parent; enter() makes system calls only. libc's setuid() and its like would reach for
// all threads of the parent, whose memory this is.
class Enclosure final : public Confinement {
 public:
  Enclosure(UniqueFd ruleset, bool own_mounts, const SyscallFilter* filter, const Limits& limits,
            std::optional<User> user)
      : ruleset_(std::move(ruleset)), own_mounts_(own_mounts), user_(user) {
    if (user) become_user_ = fmt::format("become user {}", user->uid);
    if (filter != nullptr) {
      program_.len = static_cast<unsigned short>(filter->program().size());
      program_.filter = const_cast<sock_filter*>(filter->program().data());
    }
    limits_ = {limit(RLIMIT_AS, limits.address_space.count), cpu_limit(limits.cpu_time),
               limit(RLIMIT_FSIZE, limits.file_size.count), limit(RLIMIT_NOFILE, limits.open_files),
               limit(RLIMIT_CORE, 0)};
  }

  Failure enter() const noexcept override {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return {"give up new privileges", errno};
    // Before the limits: we may have more files open than it may.
    if (const int error = allow_mounts(); error != 0) return {"show it what is mounted", error};
    if (const int error = limit_itself(); error != 0) return {"limit what it uses up", error};
    if (ruleset_ && ::syscall(SYS_landlock_restrict_self, ruleset_.get(), 0U) != 0) {
      return {"restrict what it opens, by Landlock", errno};
    }
    if (const int error = become_user(); error != 0) return {become_user_.c_str(), error};
    if (const int error = drop_capabilities(); error != 0) return {"drop its capabilities", error};
    if (program_.filter != nullptr && ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program_) != 0) {
      return {"filter its system calls, by seccomp", errno};
    }
    return {};
  }

 private:
  int allow_mounts() const noexcept { return ruleset_ && own_mounts_ ? allow_own_mounts(ruleset_.get()) : 0; }

  int limit_itself() const noexcept {
    for (const ResourceLimit& one : limits_) {
      if (::syscall(SYS_prlimit64, 0, one.resource, &one.value, nullptr) != 0) return errno;
    }
    return 0;
  }

  int become_user() const noexcept {
    if (!user_) return 0;
    if (::syscall(SYS_setgroups, 0, nullptr) != 0) return errno;
    if (::syscall(SYS_setresgid, user_->gid, user_->gid, user_->gid) != 0) return errno;
    return ::syscall(SYS_setresuid, user_->uid, user_->uid, user_->uid) == 0 ? 0 : errno;
  }

  // Root gets none back by exec either: no new privileges.
  static int drop_capabilities() noexcept {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const __user_cap_data_struct none[2] = {};
    return ::syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
  }

  UniqueFd ruleset_;  // none: the kernel has no Landlock
  bool own_mounts_;
  sock_fprog program_ = {};
  std::array<ResourceLimit, 5> limits_ = {};
  std::optional<User> user_;
  std::string become_user_;  // that step's words
};

void add_system(Reach& reach) {
  for (const char* path : kSystemPrograms) {
    if (boost::filesystem::exists(path)) reach.execute.emplace_back(path);
  }
  for (const char* path : kSystemFiles) {
    if (boost::filesystem::exists(path)) reach.read.emplace_back(path);
  }
  reach.write.emplace_back(kSink);
}

bool our_namespace_has(unsigned first, unsigned last) {
  const auto are_in = [&](const char* path) {
    std::ifstream map(path);
    return !map.is_open() || has_users(map, first, last);  // a kernel without user namespaces has every id
  };
  return are_in("/proc/self/uid_map") && are_in("/proc/self/gid_map");
}

}  // namespace

Sandbox::Sandbox()
    : landlock_version_(landlock_version()),
      changes_users_(may_run_as_others() && our_namespace_has(kNobody.uid, kNobody.uid)),
      has_run_users_(our_namespace_has(kFirstRunUser, kLastRunUser)) {
  if (has_syscall_filters()) filters_.emplace();
  if (landlock_version_ == 0) missing_.emplace_back("Landlock (other files are guarded by their owners only)");
  if (!filters_) missing_.emplace_back("seccomp (network and other system calls stay open)");
  if (!changes_users_ && ::geteuid() == 0) {
    missing_.emplace_back(
        "CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID or any other user (programs stay root, though without "
        "capabilities)");
  }
  if (changes_users_ && !has_run_users_) {
    missing_.push_back(
        fmt::format("users {} to {} in its user namespace (what reads images is \"nobody\", as others are)",
                    kFirstRunUser, kLastRunUser));
  }
}

User Sandbox::stranger() const { return has_run_users_ ? user_of_this_thread() : kNobody; }

const SyscallFilter* Sandbox::filter_for(const Reach& reach) const {
  if (!filters_) return nullptr;
  return reach.devices_opened.empty() ? &filters_->files : &filters_->devices;
}

std::unique_ptr<Confinement> Sandbox::confine(Reach reach, const Limits& limits, std::optional<User> user) const {
  UniqueFd ruleset;
  const bool own_mounts = reach.own_mounts;
  const SyscallFilter* filter = filter_for(reach);
  if (landlock_version_ > 0) {
    add_system(reach);
    ruleset = landlock_ruleset(landlock_version_, reach);
  }
  return std::make_unique<Enclosure>(std::move(ruleset), own_mounts, filter, limits,
                                     changes_users_ ? user : std::nullopt);
}

}  // namespace basecache::sandbox
