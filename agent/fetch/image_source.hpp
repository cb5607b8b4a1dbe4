#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "agent/base/op_context.hpp"
#include "agent/model/image.hpp"

namespace basecache::fetch {

// One transfer of an image, as its source announces it.
struct Transfer {
  std::optional<Bytes> size;  // of the whole image, when the source says
  // Which bytes these are, in the source's own words (an entity tag, a digest); equal words, equal bytes. "": the
  // source can't tell, and nobody may go on with them later.
  std::string version;
  // Open for reading as long as fetch() runs: the whole image, a file of this node that nobody changes meanwhile. The
  // sink takes the bytes from there, before start() returns; no write() follows. -1: they come by write().
  int file = -1;
  bool tells_end = true;  // false: whoever sends it may break off, and it would look as if it were whole
};

// The first bytes of an image, here already.
struct HeldBytes {
  Transfer transfer;  // the one that brought them; its version isn't ""
  Bytes count;
};

// Where the bytes of an image go while they arrive, in order and once.
class ImageSink {
 public:
  virtual ~ImageSink() = default;

  // What a broken transfer left, of this attempt, an earlier one or a killed process; the next write() goes on behind
  // it. Nothing: the image begins with start(). May read what is there.
  virtual std::optional<HeldBytes> held() = 0;
  // Before byte 0, and again whenever a transfer starts over: what was written so far is void.
  virtual void start(const Transfer& transfer) = 0;
  virtual void write(std::span<const std::byte> bytes) = 0;
  // Behind the last byte, for a source that would fetch them elsewhere if they aren't the promised ones:
  // Error(checksum_mismatch, image_unacceptable). Until the next start() they are as verified as by the cache itself.
  virtual void verify() = 0;
};

// Where the bytes of images come from (a registry, a URL, a directory).
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  // What is known of the image without fetching it. Error(image_not_found, source_unauthorized, source_unavailable).
  virtual model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) = 0;

  // Sends all bytes that the sink doesn't hold yet, retrying what can be retried. Returns only after the last byte; a
  // body shorter than was said is a failure. What the sink throws passes through and ends the transfer.
  virtual void fetch(const model::ImageRecord& record, ImageSink& sink, OpContext& op) = 0;
};

}  // namespace basecache::fetch
