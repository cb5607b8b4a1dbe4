#include "agent/base/subprocess.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <span>

#include "agent/base/child_process.hpp"
#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/stop_event.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

constexpr std::size_t kOutputLimit = 1 << 20;
constexpr std::size_t kErrorsLimit = 2048;
constexpr std::chrono::hours kLongestPoll{1};

void keep_first(std::string& kept, std::string_view chunk) {
  kept += chunk.substr(0, std::min(chunk.size(), kOutputLimit - std::min(kOutputLimit, kept.size())));
}

void keep_last(std::string& kept, std::string_view chunk) {
  kept += chunk;
  if (kept.size() > kErrorsLimit) kept.erase(0, kept.size() - kErrorsLimit);
}

// One running child and what it says.
class Conversation {
 public:
  Conversation(const Command& command, ChildProcess child) : command_(command), child_(std::move(child)) {}

  CompletedProcess until_end(const OpContext& op) {
    StopEvent stop(op.stop());
    while (true) {
      std::array<pollfd, 4> fds{{{child_.output().get(), POLLIN, 0},
                                 {child_.errors().get(), POLLIN, 0},
                                 {child_.pidfd(), POLLIN, 0},
                                 {stop.fd(), POLLIN, 0}}};
      const int ready = ::poll(fds.data(), fds.size(), milliseconds_left(op));
      const int error = errno;
      if (ready < 0 && error != EINTR) throw Error::from_errno(error, "wait for " + command_.argv.front());
      op.check();
      drain();
      if (ready > 0 && fds[2].revents != 0) break;
    }
    // Grandchildren that outlive their leader must not keep us reading.
    child_.kill_group();
    result_.program = command_.argv.front();
    result_.status = child_.reap();
    drain();
    return std::move(result_);
  }

 private:
  static int milliseconds_left(const OpContext& op) {
    const auto left = op.deadline() - OpContext::Clock::now();
    const auto bounded = std::clamp<OpContext::Clock::duration>(left, {}, kLongestPoll);
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(bounded).count());
  }

  // Reads what is there, without waiting for more; a pipe that has ended is closed.
  void drain() {
    read_some(child_.output(), [this](std::string_view chunk) {
      keep_first(result_.output, chunk);
      if (command_.on_stdout) command_.on_stdout(chunk);
    });
    read_some(child_.errors(), [this](std::string_view chunk) { keep_last(result_.errors, chunk); });
  }

  // Not until there is no more: whoever writes faster than we read must not keep us from seeing a cancellation.
  template <class Take>
  static void read_some(UniqueFd& fd, Take take) {
    constexpr int kMostReads = 64;
    std::array<char, 16384> buffer;
    for (int reads = 0; fd && reads < kMostReads; ++reads) {
      const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
      const int error = errno;
      if (count < 0 && error == EINTR) continue;
      if (count < 0 && error == EAGAIN) return;
      if (count <= 0) return fd.reset();
      take(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    }
  }

  const Command& command_;
  ChildProcess child_;
  CompletedProcess result_;
};

// A file, not a pipe: no input is too long for it, and nobody has to write while the program runs.
UniqueFd input_of(const Command& command) {
  if (command.input.empty()) return {};
  UniqueFd file(::memfd_create("input", MFD_CLOEXEC));
  const int error = errno;
  if (!file) throw Error::from_errno(error, "make room for the input of " + command.argv.front());
  write_all_at(file.get(), std::as_bytes(std::span(command.input.reveal())), 0, "the input of a program");
  return file;
}

// What its limits do to a confined program; of other signals nobody but the sender knows why.
std::string_view reason_of_signal(int signal) {
  switch (signal) {
    case SIGXCPU:
      return ": it used more CPU time than it may";
    case SIGXFSZ:
      return ": it wrote more than it may";
    case SIGSYS:
      return ": it made a system call that it may not";
    default:
      return "";
  }
}

// The tool's own words, on one line.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

CompletedProcess run(const Command& command, const OpContext& op) {
  op.check();
  const UniqueFd input = input_of(command);
  return Conversation(command, ChildProcess::start({.argv = command.argv,
                                                    .environment = command.environment,
                                                    .files = command.files,
                                                    .confinement = command.confinement,
                                                    .input = input.get()}))
      .until_end(op);
}

std::string ending_of(int status) {
  if (status < 0) return fmt::format("was ended by signal {}{}", -status, reason_of_signal(-status));
  return fmt::format("exited with {}", status);
}

void require_success(const CompletedProcess& done, std::string_view doing) {
  if (done.status == 0) return;
  const bool full = done.errors.find("No space left on device") != std::string::npos;
  const std::string words = one_line(done.errors);
  std::string message = fmt::format("cannot {}: {} {}", doing, done.program, ending_of(done.status));
  if (!words.empty()) message += ": " + quote(words, kErrorsLimit);
  throw Error(full ? ErrorCode::no_space : ErrorCode::tool_failed, std::move(message))
      .set_hint(full ? kNoSpaceHint : "")
      .add_field("argv0", done.program)
      .add_field("exit", std::to_string(done.status))
      .add_field("stderr", words);
}

CompletedProcess run_checked(const Command& command, const OpContext& op, std::string_view doing) {
  CompletedProcess done = run(command, op);
  require_success(done, doing);
  return done;
}

}  // namespace basecache
