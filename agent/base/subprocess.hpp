#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/op_context.hpp"

namespace basecache {

// A program to run: argv vector, no shell, found through PATH, own process group, stdin /dev/null, no
// inherited descriptors, environment PATH + LC_ALL=C (+ `environment`), default signal mask and dispositions.
struct Command {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"
  std::function<void(std::string_view)>
      on_stdout;  // sees the bytes as they come (progress); called on the running thread
};

struct CompletedProcess {
  int status = 0;      // exit code, or -N when ended by signal N
  std::string output;  // stdout, first 1 MiB
  std::string errors;  // stderr, last 2 KiB
};

// Runs it to its end. The whole process group is killed when `op` is cancelled or its deadline passes
// (then Cancelled or Error(timed_out)). Error(tool_failed) when it can't be started, saying which package has it
// when it is one that we know. A non-zero exit is not an error here.
CompletedProcess run(const Command& command, const OpContext& op);

// As run(), but a status that isn't 0 is Error(tool_failed) with fields argv0, exit, stderr; `doing` completes
// "cannot ...". stderr that says "No space left on device" makes it no_space.
CompletedProcess run_checked(const Command& command, const OpContext& op, std::string_view doing);

}  // namespace basecache
