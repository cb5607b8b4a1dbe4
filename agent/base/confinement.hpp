#pragma once

namespace basecache {

// What a child process gives up before it becomes another program. Never our right to kill it: we wait for its end.
class Confinement {
 public:
  virtual ~Confinement() = default;

  struct Failure {
    const char* step = nullptr;  // what couldn't be done, in words that live as long as the confinement
    int error = 0;               // errno; 0: nothing failed
  };
  // Called in the child between vfork and exec, in memory that is still the parent's: system calls only, no
  // allocation, no locks, no exceptions, nothing written outside of the stack. After a failure the program isn't run.
  virtual Failure enter() const noexcept = 0;
};

}  // namespace basecache
