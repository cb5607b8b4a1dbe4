#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "agent/base/confinement.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache {

// Where a program is: `name` itself when it has a slash, else the first of that name in PATH. Error(tool_failed) when
// there is none, naming the package that holds it when we know it.
std::string find_program(const std::string& name);

// A running child: leader of its own process group, stdin /dev/null unless it is given one, stdout and stderr on
// non-blocking pipes, no descriptors of ours but those it is given, default signals, killed by the kernel when we die
// however we die (PR_SET_PDEATHSIG): a converter whose daemon was killed must not go on writing beside its successor.
// Killed with its group and reaped when it goes.
//
// The parent-death signal follows the *thread* that started the child, so the thread must outlive it; run() waits.
class ChildProcess {
 public:
  // What it is made from.
  struct Plan {
    const std::vector<std::string>& argv;
    const std::vector<std::string>& environment;  // besides PATH and LC_ALL=C
    std::vector<int> files = {};                  // descriptors of ours that become its 3, 4, ...; kMostFiles at most
    const Confinement* confinement = nullptr;
    int input = -1;  // a descriptor of ours that becomes its stdin; none: /dev/null
  };
  static constexpr std::size_t kMostFiles = 4;

  // Error(tool_failed) when the program can't be found, naming the package that holds it when we know it, confined or
  // executed.
  static ChildProcess start(const Plan& plan);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  UniqueFd& output() { return output_; }
  UniqueFd& errors() { return errors_; }
  int pidfd() const { return pidfd_.get(); }

  void kill_group() const noexcept;
  // What counts as its exit code when the kernel threw it away (a process that ignores SIGCHLD): not known is not 0.
  static constexpr int kStatusLost = 255;
  // Waits for its end; exit code, or -N when ended by signal N.
  int reap();

 private:
  ChildProcess(pid_t pid, UniqueFd pidfd, UniqueFd output, UniqueFd errors)
      : pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)), errors_(std::move(errors)) {}

  pid_t pid_;  // 0 once reaped or moved from
  UniqueFd pidfd_;
  UniqueFd output_;
  UniqueFd errors_;
};

}  // namespace basecache
