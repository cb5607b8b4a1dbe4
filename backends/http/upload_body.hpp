#pragma once

#include <cstddef>
#include <span>

namespace basecache::http {

// The bytes of an upload, in order. Used by one thread at a time.
class UploadBody {
 public:
  virtual ~UploadBody() = default;

  // Back to the first byte: before each attempt.
  virtual void rewind() = 0;
  // Fills the front of `room`; 0 at the end. What it throws ends the upload and passes through.
  virtual std::size_t read(std::span<std::byte> room) = 0;
};

}  // namespace basecache::http
