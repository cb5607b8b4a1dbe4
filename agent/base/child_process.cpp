#include "agent/base/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view package_of(std::string_view program) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> packages{{
      {"qemu-img", "qemu-utils"},
      {"mkfs.ext2", "e2fsprogs"},
      {"mkfs.ext3", "e2fsprogs"},
      {"mkfs.ext4", "e2fsprogs"},
      {"resize2fs", "e2fsprogs"},
      {"e2fsck", "e2fsprogs"},
      {"mkswap", "util-linux"},
      {"mkfs.vfat", "dosfstools"},
      {"mkfs.xfs", "xfsprogs"},
      {"mkfs.ntfs", "ntfs-3g"},
      {"lvm", "lvm2"},
      {"cryptsetup", "cryptsetup-bin"},
  }};
  for (const auto& [name, package] : packages) {
    if (name == program) return package;
  }
  return "";
}

Error not_run(const std::string& program, std::string message) {
  Error error(ErrorCode::tool_failed, std::move(message));
  error.add_field("argv0", program);
  return error;
}

Error not_there(const std::string& program, std::string_view reason) {
  Error error = not_run(program, fmt::format("cannot run {}: {}", quote(program), reason));
  if (const auto package = package_of(program); !package.empty()) {
    error.set_hint(fmt::format("install it: apt-get install {}", package));
  }
  return error;
}

// In the child, which shares our memory until it is another program.
struct LaunchFailure {
  const char* step = nullptr;  // of its confinement; none: something else
  int error = 0;
  uid_t user = 0;  // who it was by then
};

Error failure_to_start(const std::string& program, const LaunchFailure& failure) {
  char buffer[256];
  const std::string_view reason = ::strerror_r(failure.error, buffer, sizeof buffer);
  if (failure.step != nullptr) {
    return not_run(program, fmt::format("cannot confine {} ({}): {}", quote(program), failure.step, reason));
  }
  if (failure.error == ENOENT) return not_there(program, reason);
  if (failure.error != EACCES) return not_run(program, fmt::format("cannot run {}: {}", quote(program), reason));
  return not_run(program, fmt::format("cannot run {} as user {}: {}", quote(program), failure.user, reason))
      .set_hint("that user must be able to execute it, and to enter the directories above it");
}

std::string search_path() {
  const char* path = std::getenv("PATH");
  return path == nullptr ? std::string(kDefaultPath) : path;
}

std::pair<UniqueFd, UniqueFd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "make a pipe");
  }
  std::pair<UniqueFd, UniqueFd> pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return pipe;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the child needs, prepared by the parent.
struct Launch {
  const char* program;
  const std::array<int, ChildProcess::kMostFiles>& files;
  unsigned file_count;
  const Confinement* confinement;
  char* const* argv;
  char* const* environment;
  int input;
  int output;
  int errors;
  pid_t parent;
};

constexpr int kFirstFile = 3;
using FileNumbers = std::array<int, ChildProcess::kMostFiles>;

// Out of the way, as any of them may stand where another one belongs. Before the confinement, which limits how many
// there may be: the parent may have more open.
int set_aside(const Launch& launch, FileNumbers& aside) {
  constexpr int kAside = kFirstFile + static_cast<int>(ChildProcess::kMostFiles);
  for (unsigned i = 0; i < launch.file_count; ++i) {
    aside[i] = ::fcntl(launch.files[i], F_DUPFD, kAside);
    if (aside[i] < 0) return errno;
  }
  return 0;
}

// After the confinement, which may need a descriptor that is closed here.
int put_in_place(const Launch& launch, const FileNumbers& aside) {
  for (unsigned i = 0; i < launch.file_count; ++i) {
    if (::dup2(aside[i], kFirstFile + static_cast<int>(i)) < 0) return errno;
  }
  const unsigned first_unwanted = kFirstFile + launch.file_count;
  return ::syscall(SYS_close_range, first_unwanted, ~0U, 0U) == 0 ? 0 : errno;
}

// In the child, between vfork and exec: system calls only. Returns what failed.
Confinement::Failure become(const Launch& launch) {
  if (::setpgid(0, 0) != 0) return {.error = errno};
  if (::dup2(launch.input, 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.errors, 2) < 0) {
    return {.error = errno};
  }
  FileNumbers aside{};
  if (const int error = set_aside(launch, aside); error != 0) return {.error = error};
  if (launch.confinement != nullptr) {
    if (const Confinement::Failure failure = launch.confinement->enter(); failure.error != 0) return failure;
  }
  // Afterwards: another user's process forgets it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return {.error = errno};
  if (::getppid() != launch.parent) return {.error = ECANCELED};
  if (const int error = put_in_place(launch, aside); error != 0) return {.error = error};
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(launch.program, launch.argv, launch.environment);
  return {.error = errno};
}

// vfork: the parent's memory isn't copied, and the child's failure comes back through `failure`. All signals are
// blocked meanwhile, so that no handler of ours runs in the child, which shares our memory.
[[gnu::noinline]] pid_t launch_child(const Launch& launch, volatile LaunchFailure& failure) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t pid = ::vfork();
#pragma GCC diagnostic pop
  if (pid == 0) {
    const Confinement::Failure failed = become(launch);
    failure.step = failed.step;
    failure.error = failed.error;
    failure.user = ::getuid();
    ::_exit(127);
  }
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw Error::from_errno(error, "start a process");
  return pid;
}

// Whoever the child becomes may not be allowed to go the way of a link.
std::string followed(const std::string& link) {
  boost::system::error_code failed;
  const Path file = boost::filesystem::canonical(link, failed);
  return failed ? link : file.native();
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const std::string path = search_path();
  std::string_view rest = path;
  while (true) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    std::string candidate = std::string(directory.empty() ? "." : directory) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return followed(candidate);
    if (directory.size() == rest.size()) throw not_there(name, "no such program in PATH");
    rest.remove_prefix(directory.size() + 1);
  }
}

// The program is looked up before the fork: the child may only make system calls.
ChildProcess ChildProcess::start(const Plan& plan) {
  const std::string program = find_program(plan.argv.front());
  std::vector<std::string> variables = plan.environment;
  variables.push_back("PATH=" + search_path());
  variables.push_back("LC_ALL=C");
  auto [output, output_writer] = make_pipe();
  auto [errors, errors_writer] = make_pipe();
  const UniqueFd null = plan.input < 0 ? open_file("/dev/null", O_RDONLY) : UniqueFd();
  const std::vector<char*> arguments = pointers_to(plan.argv);
  const std::vector<char*> names = pointers_to(variables);
  std::array<int, kMostFiles> files{};
  std::copy_n(plan.files.begin(), std::min(plan.files.size(), kMostFiles), files.begin());
  const Launch launch{.program = program.c_str(),
                      .files = files,
                      .file_count = static_cast<unsigned>(std::min(plan.files.size(), kMostFiles)),
                      .confinement = plan.confinement,
                      .argv = arguments.data(),
                      .environment = names.data(),
                      .input = null ? null.get() : plan.input,
                      .output = output_writer.get(),
                      .errors = errors_writer.get(),
                      .parent = ::getpid()};
  volatile LaunchFailure failure;
  const pid_t pid = launch_child(launch, failure);
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ChildProcess child(pid, std::move(pidfd), std::move(output), std::move(errors));
  if (failure.error != 0) {
    throw failure_to_start(plan.argv.front(), {.step = failure.step, .error = failure.error, .user = failure.user});
  }
  if (child.pidfd() < 0) throw Error(ErrorCode::internal, "cannot watch process of " + quote(plan.argv.front()));
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      pidfd_(std::move(other.pidfd_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)) {}

ChildProcess::~ChildProcess() {
  if (pid_ == 0) return;
  kill_group();
  (void)reap();
}

void ChildProcess::kill_group() const noexcept { ::kill(-pid_, SIGKILL); }

int ChildProcess::reap() {
  int status = 0;
  pid_t ended = -1;
  while ((ended = ::waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  if (ended < 0) return kStatusLost;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace basecache
