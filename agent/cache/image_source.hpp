#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "agent/base/op_context.hpp"
#include "agent/model/image.hpp"

namespace basecache::cache {

// Where the bytes of an image go while they arrive, in order and once.
class ImageSink {
 public:
  virtual ~ImageSink() = default;

  // Before the first byte, and again whenever a transfer starts over from byte 0: what was written so far is void.
  // `size`: what the source says it will send, when it says.
  virtual void start(std::optional<Bytes> size) = 0;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

// Where the bytes of images come from (a registry, a URL, a directory).
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  // What is known of the image without fetching it. Error(image_not_found, source_unauthorized, source_unavailable).
  virtual model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) = 0;

  // Sends all bytes to the sink, retrying what can be retried. Returns only after the last byte; a body shorter than
  // was said is a failure. What the sink throws passes through and ends the transfer.
  virtual void fetch(const model::ImageRecord& record, ImageSink& sink, OpContext& op) = 0;
};

}  // namespace basecache::cache
