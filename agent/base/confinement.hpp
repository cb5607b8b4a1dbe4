#pragma once

namespace basecache {

// What a child process gives up before it becomes another program.
class Confinement {
 public:
  virtual ~Confinement() = default;

  // Called in the child between vfork and exec, in memory that is still the parent's: system calls only, no
  // allocation, no locks, no exceptions, nothing written outside of the stack. 0, or the errno of what failed: then
  // the program isn't run.
  virtual int enter() const noexcept = 0;
};

}  // namespace basecache
