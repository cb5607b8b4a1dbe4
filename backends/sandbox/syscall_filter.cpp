#include "backends/sandbox/syscall_filter.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache::sandbox {
namespace {

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

// What qemu-img, e2fsck and resize2fs were seen to use, in their older and newer spellings, and what any program needs
// to start and to end. What can open something is held by Landlock.
constexpr std::array kAllowed{
    // memory
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
    SCMP_SYS(set_mempolicy), SCMP_SYS(get_mempolicy), SCMP_SYS(mbind), SCMP_SYS(membarrier), SCMP_SYS(msync),
    // files
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(read),
    SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(preadv2), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(pwritev2), SCMP_SYS(lseek), SCMP_SYS(ftruncate),
    SCMP_SYS(fadvise64), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(copy_file_range),
    SCMP_SYS(flock), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(stat),
    SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs),
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(umask), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    // waiting
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2), SCMP_SYS(signalfd4), SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime), SCMP_SYS(io_setup), SCMP_SYS(io_submit), SCMP_SYS(io_getevents), SCMP_SYS(io_destroy),
    SCMP_SYS(futex), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
    // itself
    SCMP_SYS(execve), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address),
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getpgrp), SCMP_SYS(getpgid), SCMP_SYS(getuid),
    SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getgroups), SCMP_SYS(getresuid),
    SCMP_SYS(getresgid), SCMP_SYS(capget), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrandom),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(getcpu),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times),
    SCMP_SYS(getpriority)};

// Known and not wanted: a program that tries them is told so, and says so.
constexpr std::array kForbidden{SCMP_SYS(socket),
                                SCMP_SYS(socketpair),
                                SCMP_SYS(connect),
                                SCMP_SYS(bind),
                                SCMP_SYS(listen),
                                SCMP_SYS(accept),
                                SCMP_SYS(accept4),
                                SCMP_SYS(sendto),
                                SCMP_SYS(sendmsg),
                                SCMP_SYS(fork),
                                SCMP_SYS(vfork),
                                SCMP_SYS(execveat),
                                SCMP_SYS(ptrace),
                                SCMP_SYS(tkill),
                                SCMP_SYS(tgkill),
                                SCMP_SYS(truncate),
                                SCMP_SYS(process_vm_readv),
                                SCMP_SYS(process_vm_writev),
                                SCMP_SYS(kill),
                                SCMP_SYS(mount),
                                SCMP_SYS(umount2),
                                SCMP_SYS(pivot_root),
                                SCMP_SYS(chroot),
                                SCMP_SYS(unshare),
                                SCMP_SYS(setns),
                                SCMP_SYS(bpf),
                                SCMP_SYS(perf_event_open),
                                SCMP_SYS(userfaultfd),
                                SCMP_SYS(keyctl),
                                SCMP_SYS(add_key),
                                SCMP_SYS(request_key),
                                SCMP_SYS(io_uring_setup),
                                SCMP_SYS(mknod),
                                SCMP_SYS(mknodat),
                                SCMP_SYS(chmod),
                                SCMP_SYS(fchmod),
                                SCMP_SYS(fchmodat),
                                SCMP_SYS(chown),
                                SCMP_SYS(fchown),
                                SCMP_SYS(fchownat),
                                SCMP_SYS(lchown),
                                SCMP_SYS(link),
                                SCMP_SYS(linkat),
                                SCMP_SYS(symlink),
                                SCMP_SYS(symlinkat),
                                SCMP_SYS(rename),
                                SCMP_SYS(renameat),
                                SCMP_SYS(renameat2),
                                SCMP_SYS(mkdir),
                                SCMP_SYS(mkdirat),
                                SCMP_SYS(setuid),
                                SCMP_SYS(setgid),
                                SCMP_SYS(setreuid),
                                SCMP_SYS(setregid),
                                SCMP_SYS(setresuid),
                                SCMP_SYS(setresgid),
                                SCMP_SYS(capset)};

void require(int result) {
  if (result < 0) throw Error::from_errno(-result, "make a filter of system calls (seccomp)");
}

void add(const Filter& filter, std::uint32_t action, std::span<const int> calls) {
  for (const int call : calls) {
    const int result = ::seccomp_rule_add(filter.get(), action, call, 0);
    // A call that this machine's architecture doesn't have needs no rule.
    if (result != -EDOM) require(result);
  }
}

// Allowed with that value of one of its arguments, counted from 0. (libseccomp's macros for it are C99.)
void add_if(const Filter& filter, int call, unsigned argument, int value) {
  const scmp_arg_cmp condition{
      .arg = argument, .op = SCMP_CMP_EQ, .datum_a = static_cast<scmp_datum_t>(value), .datum_b = 0};
  require(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, condition));
}

// Its own limits, not those of other processes.
void add_own_limits(const Filter& filter) { add_if(filter, SCMP_SYS(prlimit64), 0, 0); }

// Not F_SETOWN and its like, which have signals sent to others.
void add_file_control(const Filter& filter) {
  constexpr std::array kCommands{F_DUPFD,     F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,    F_GETFL,
                                 F_SETFL,     F_GETLK,         F_SETLK,     F_SETLKW,   F_OFD_GETLK,
                                 F_OFD_SETLK, F_OFD_SETLKW,    F_ADD_SEALS, F_GET_SEALS};
  for (const int command : kCommands) {
    add_if(filter, SCMP_SYS(fcntl), 1, command);
  }
}

// Names of threads and what can be asked; PR_SET_PDEATHSIG would let it outlive us. The one that become() sends after
// the filter is in force is the same for everybody: SIGKILL.
void add_process_control(const Filter& filter) {
  for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_SET_VMA}) {
    add_if(filter, SCMP_SYS(prctl), 0, option);
  }
  const std::array killed_with_us{scmp_arg_cmp{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_PDEATHSIG, .datum_b = 0},
                                  scmp_arg_cmp{.arg = 1, .op = SCMP_CMP_EQ, .datum_a = SIGKILL, .datum_b = 0}};
  require(::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(prctl), killed_with_us.size(),
                                   killed_with_us.data()));
}

// Not behind the end of a file that keeps its size: no limit of file sizes counts that.
void add_allocation(const Filter& filter) {
  for (const int mode : {0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE}) {
    add_if(filter, SCMP_SYS(fallocate), 1, mode);
  }
}

// A regular file answers so whatever they ask of devices and terminals (BLKGETSIZE64, BLKROGET, TCGETS ...). The
// commands that files do know take room that no limit counts (FS_IOC_RESVSP) or change what they are (FS_IOC_SETFLAGS);
// qemu-img goes without its one, a hint for XFS.
void add_no_commands(const Filter& filter) {
  require(::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0));
}

// What e2fsck and resize2fs ask of a block device: how large it is (in a newer and an older way), whether it can be
// written, whether it reads as zeros where it was discarded. None changes anything. They need none that does, nor one
// that reaches past the device (SG_IO, BLKRRPART, FIFREEZE): what they zero, they zero by fallocate().
constexpr std::array<std::uint64_t, 4> kQuestions{BLKGETSIZE64, BLKGETSIZE, BLKROGET, BLKDISCARDZEROES};

// The kernel looks at the lower half of the argument.
void add_questions(const Filter& filter) {
  for (const std::uint64_t question : kQuestions) {
    const scmp_arg_cmp condition{.arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xffffffff, .datum_b = question};
    require(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, condition));
  }
}

void add_commands(const Filter& filter, DeviceCommands commands) {
  if (commands == DeviceCommands::questions) return add_questions(filter);
  add_no_commands(filter);
}

// Only the old call tells its flags to a filter; the new one points at them.
void add_threads(const Filter& filter) {
  const scmp_arg_cmp thread{.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = CLONE_THREAD};
  const scmp_arg_cmp process{.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = 0};
  require(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread));
  require(::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, process));
}

std::vector<sock_filter> exported(const Filter& filter) {
  const UniqueFd file(::memfd_create("syscall-filter", MFD_CLOEXEC));
  if (!file) throw Error::from_errno(errno, "make room for a filter of system calls");
  require(::seccomp_export_bpf(filter.get(), file.get()));
  const auto size = static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END));
  std::vector<sock_filter> program(size / sizeof(sock_filter));
  read_at(file.get(), std::as_writable_bytes(std::span(program)), 0, "a filter of system calls");
  return program;
}

}  // namespace

SyscallFilter::SyscallFilter(DeviceCommands commands) {
  const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (!filter) throw Error(ErrorCode::tool_failed, "cannot make a filter of system calls (seccomp)");
  // Balanced tree instead of a list: a call costs some comparisons, not a hundred. Older libraries have the list only.
  (void)::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  add(filter, SCMP_ACT_ALLOW, kAllowed);
  add(filter, SCMP_ACT_ERRNO(EPERM), kForbidden);
  add_threads(filter);
  add_own_limits(filter);
  add_file_control(filter);
  add_process_control(filter);
  add_allocation(filter);
  add_commands(filter, commands);
  program_ = exported(filter);
}

bool has_syscall_filters() { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

}  // namespace basecache::sandbox
