#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"
#include "agent/base/sparse_copy.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/base/write_behind.hpp"

namespace basecache {

// A file in the making. Removed by the destructor unless published or left. The caller holds the lock of what the
// file will become, so a file already standing at the staged path is a dead builder's: it is replaced, or gone on with.
class StagedFile {
 public:
  static StagedFile create(Path staged_path);

  // The one that an earlier builder left there, cut to its first `length` bytes; append() goes on behind them. Its time
  // of modification stays until then. It becomes ours. Error when there is none, it is shorter, or can't be ours.
  static StagedFile reopen(Path staged_path, Bytes length);

  // A staged file that a tool makes at `staged_path` by itself (a leftover is removed first); fd() is -1 until adopt().
  static StagedFile reserve(Path staged_path);
  void adopt();  // opens what the tool made; Error(tool_failed) when it made nothing

  StagedFile(StagedFile&&) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  const Path& path() const { return path_; }
  int fd() const { return fd_.get(); }
  Bytes size() const { return size_; }

  // Appends; runs of zero blocks become holes. size() grows, the file's length follows at finish().
  void append(std::span<const std::byte> bytes);
  // Becomes what `source`, of `size` bytes, holds, sharing its blocks where the file system can. Else they are written
  // behind, for who reads them behind us and drops their pages. `reached`: so much of it is here.
  // Returns whether it shares them.
  bool fill(const CopyEnd& source, Bytes size, const std::function<void(Bytes)>& reached, const OpContext& op);
  // From now on what is appended goes to the disk soon. For a file that will be published as it is; somebody reads it
  // behind us, and drops its pages.
  void write_behind();
  void finish();   // sets the length when the file ends in a hole
  void restart();  // back to empty: the transfer starts over
  void sync();     // what was appended so far outlives a power cut

  // Leaves the file where it is, as long as size() says, for a later builder to reopen.
  void leave() && noexcept;

  // The only way a file becomes visible: ours -> fsync -> 0444 -> rename without replace -> fsync the directory.
  // Error(already_exists) when `final_path` is there (the staged file then goes with this object).
  void publish(const Path& final_path) &&;

 private:
  StagedFile(Path path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  Path path_;  // empty once published or moved from
  UniqueFd fd_;
  Bytes size_;
  std::unique_ptr<WriteBehind> behind_;  // null: the kernel writes when it likes
};

}  // namespace basecache
