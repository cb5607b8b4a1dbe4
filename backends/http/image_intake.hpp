#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "agent/cache/image_source.hpp"
#include "backends/http/response_head.hpp"

namespace basecache::http {

// Lets into the sink what may be an image, and nothing else: no web page, no encoded body, none beyond a limit.
// Its Errors are final: the server would send the same again.
class ImageIntake {
 public:
  // `url` is named in Errors, redacted. `sink` must outlive the intake.
  ImageIntake(cache::ImageSink& sink, Bytes limit, const std::string& url);

  // Before the body of a 200, be it empty. Error(image_unacceptable).
  void begin(const ResponseHead& head);
  void body(std::span<const std::byte> bytes);

 private:
  [[noreturn]] void refuse(const std::string& why, const std::string& hint) const;
  void check_size(Bytes size) const;

  cache::ImageSink& sink_;
  Bytes limit_;
  std::string shown_url_;
  Bytes received_;
};

}  // namespace basecache::http
