#include "backends/http/image_intake.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::http {
namespace {

bool same_word(const std::string& a, const char* b) { return ::curl_strequal(a.c_str(), b) != 0; }

}  // namespace

ImageIntake::ImageIntake(cache::ImageSink& sink, Bytes limit, const std::string& url)
    : sink_(sink), limit_(limit), shown_url_(redact_url(url)) {}

void ImageIntake::begin(const ResponseHead& head) {
  if (same_word(head.content_type, "text/html")) {
    refuse("the server sends a web page (text/html)", "name the URL of the image itself, not of a page about it");
  }
  if (!head.content_encoding.empty() && !same_word(head.content_encoding, "identity")) {
    refuse("the server sends it with Content-Encoding " + quote(head.content_encoding),
           "let the server send the bytes of the file as they are");
  }
  if (head.length) check_size(*head.length);
  received_ = {};
  sink_.start(head.length);
}

void ImageIntake::body(std::span<const std::byte> bytes) {
  received_ = received_ + Bytes{bytes.size()};
  check_size(received_);
  sink_.write(bytes);
}

void ImageIntake::check_size(Bytes size) const {
  if (size <= limit_) return;
  refuse(fmt::format("it is larger than the {} that are allowed", to_text(limit_)),
         "[basecache] max_image_bytes is the limit");
}

void ImageIntake::refuse(const std::string& why, const std::string& hint) const {
  Error error(ErrorCode::image_unacceptable, fmt::format("cannot fetch {}: {}", quote(shown_url_), why));
  error.set_hint(hint);
  error.add_field("url", shown_url_);
  throw error;
}

}  // namespace basecache::http
