#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/confinement.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/secret.hpp"

namespace basecache {

// A program to run: argv vector, no shell, found through PATH, own process group, stdin `input` or /dev/null, no
// inherited descriptors but `files`, environment PATH + LC_ALL=C (+ `environment`), default signal mask and
// dispositions.
struct Command {
  std::vector<std::string> argv;
  std::vector<std::string> environment = {};  // "NAME=value"
  std::function<void(std::string_view)> on_stdout =
      {};                                    // sees the bytes as they come (progress); called on the running thread
  std::vector<int> files = {};               // become its descriptors 3, 4, ... (ChildProcess::kMostFiles at most)
  const Confinement* confinement = nullptr;  // what it gives up before it runs; outlives the run
  Secret input = {};                         // its standard input, from a file in memory that nobody else sees
};

struct CompletedProcess {
  std::string program;  // argv[0]
  int status = 0;       // exit code, or -N when ended by signal N
  std::string output;   // stdout, first 1 MiB
  std::string errors;   // stderr, last 2 KiB
};

// Runs it to its end. The whole process group is killed when `op` is cancelled or its deadline passes
// (then Cancelled or Error(timed_out)). Error(tool_failed) when it can't be started, saying which package has it
// when it is one that we know. A non-zero exit is not an error here.
CompletedProcess run(const Command& command, const OpContext& op);

// How it ended, for "PROGRAM ...": "exited with 1", "was ended by signal 24: it used more CPU time than it may".
std::string ending_of(int status);

// Unless its status is 0: Error(tool_failed) with fields argv0, exit, stderr; `doing` completes "cannot ...". stderr
// that says "No space left on device" makes it no_space.
void require_success(const CompletedProcess& done, std::string_view doing);

// As run(), and then require_success().
CompletedProcess run_checked(const Command& command, const OpContext& op, std::string_view doing);

}  // namespace basecache
