#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/fetch/image_source.hpp"

namespace basecache::registry {

// A regular file that is read from its first byte to its last and must not change meanwhile: the bytes of an image
// that somebody is still writing belong to no image.
class SteadyFile {
 public:
  using TakeBlock = std::function<void(std::span<const std::byte>)>;

  // Follows symbolic links. Never waits for the writer of a fifo. Errors as the constructor's and cannot_open()'s.
  static SteadyFile open(const Path& path);

  // Takes what is open for reading. `path` names it in errors. Error(forbidden) when it isn't a regular file.
  SteadyFile(UniqueFd fd, Path path);

  Bytes size() const { return seen_.size; }
  int fd() const { return fd_.get(); }
  const Path& path() const { return path_; }

  // All bytes in order, in blocks of at most 1 MiB; holes come as zeros and are not read. `op` is checked at each
  // block. Error(source_unavailable) when the file can't be read, or isn't what it was when it was opened.
  void read_all(const TakeBlock& take, const OpContext& op) const;

  // The whole image that it is: handed to the sink, or, where the operation's rate is limited, read for it. Errors as
  // of read_all().
  void send_to(fetch::ImageSink& sink, const OpContext& op) const;

  // Error(source_unavailable) when size or time of modification are no longer those of the opening.
  void check_unchanged() const;

 private:
  UniqueFd fd_;
  Path path_;
  FileState seen_;
};

// Why a source file couldn't be opened, in the words of an image source: image_not_found, source_unauthorized,
// forbidden (the way leads through a symbolic link or out of its directory), source_unavailable.
Error cannot_open(int error_number, const Path& path);

}  // namespace basecache::registry
