#pragma once

#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/interprocess/sync/sharable_lock.hpp>
#include <functional>

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache {

// A lock file as a lockable of Boost.Interprocess (exclusive and sharable, atomic downgrade), to be held by
// scoped_lock / sharable_lock. One object serves one holder: threads that want the same lock each make their own.
//
// Built on Open File Description locks (fcntl F_OFD_SETLK, byte range 0..EOF). Unlike
// boost::interprocess::file_lock (F_SETLK, owned by the process), two objects exclude each other inside one
// process, and closing another descriptor of the file drops nothing. They conflict with the POSIX record
// locks that Nova takes on the same files (oslo.concurrency -> fasteners -> fcntl.lockf).
//
// After each acquisition the path is looked at again: a lock on an inode that was unlinked or replaced
// meanwhile (Nova deletes lock files while pruning) is given up and taken on the new file.
// The file is made when absent (0644, owned as its directory) and never removed here.
class FileLock {
 public:
  explicit FileLock(Path path) : path_(std::move(path)) {}
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  const Path& path() const { return path_; }

  // Boost.Interprocess lockable, sharable and downgrade (scoped -> sharable) requirements.
  bool try_lock();
  bool try_lock_sharable();
  void lock();
  void lock_sharable();
  void unlock();
  void unlock_sharable() { unlock(); }
  void unlock_and_lock_sharable();

 private:
  // False: another holds it (never with F_OFD_SETLKW).
  bool acquire(int command, short type);

  Path path_;
  UniqueFd fd_;
};

using ExclusiveLock = boost::interprocess::scoped_lock<FileLock>;
using SharedLock = boost::interprocess::sharable_lock<FileLock>;

// Whether anybody holds the lock file's lock, in whatever way. Takes nothing, so that nobody meets the question.
bool is_held(const Path& lock_file);

// Wait until held. Throws Cancelled or Error(timed_out) as `op` says. Other holders are other processes
// (threads of ours meet in single_flight first), so waiting is by retry, 1 ms doubling to 50 ms.
ExclusiveLock lock_exclusive(FileLock& lock, const OpContext& op);
SharedLock lock_shared(FileLock& lock, const OpContext& op);
// Tries so for the exclusive lock until `done` says, between two attempts, that it isn't needed any more: false, and
// not held. True: held, and the caller's to unlock (accept_ownership).
bool try_lock_until(FileLock& lock, const OpContext& op, const std::function<bool()>& done);

}  // namespace basecache
