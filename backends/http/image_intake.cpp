#include "backends/http/image_intake.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/http/content_range.hpp"
#include "backends/http/validator.hpp"

namespace basecache::http {
namespace {

// Less than this may be what a proxy had read ahead of a server that sends nothing.
constexpr Bytes kAdvance = kibibytes(64);

bool same_word(std::string_view a, const char* b) { return ::curl_strequal(std::string(a).c_str(), b) != 0; }

bool is_tag(std::string_view validator) { return validator.starts_with('"'); }

// The last coding frames the body (RFC 9112, 6.1).
bool is_chunked(const ResponseHead& head) { return lower_case(head.header("transfer-encoding")).ends_with("chunked"); }

bool has_type(const ResponseHead& head, const char* wanted) {
  std::string_view type = head.header("content-type");
  type = type.substr(0, type.find(';'));
  return same_word(type.substr(0, type.find_last_not_of(" \t") + 1), wanted);
}

}  // namespace

ImageIntake::ImageIntake(fetch::ImageSink& sink, std::string version, Bytes limit, const std::string& url)
    : sink_(sink), version_(std::move(version)), limit_(limit), shown_url_(redact_url(url)) {}

bool ImageIntake::prepare() {
  advanced_ = false;
  furthest_ = std::max(furthest_, received_);
  asked_for_ = takes_ranges_ ? sink_.held() : std::nullopt;
  // Of a version that the caller doesn't mean, or that the server is asked about by a validator of its own.
  if (asked_for_ && !version_.empty() && asked_for_->transfer.version != version_) asked_for_.reset();
  if (asked_for_ && asked_for_->count.count == 0) asked_for_.reset();
  // If-Modified-Since asks for something else than If-Range: an older file in its place would be "not modified".
  if (asks_whether_changed() && version_.empty() && !is_tag(asked_for_->transfer.version)) asked_for_.reset();
  received_ = asked_for_ ? asked_for_->count : Bytes{};
  furthest_ = std::max(furthest_, received_);
  return version_.empty() || !asks_whether_changed();
}

std::vector<HttpHeader> ImageIntake::range_headers() const {
  if (!asked_for_) return {};
  if (asks_whether_changed()) return {{.name = "If-None-Match", .value = asked_for_->transfer.version}};
  std::vector<HttpHeader> headers{{.name = "Range", .value = fmt::format("bytes={}-", asked_for_->count.count)}};
  if (version_.empty()) headers.push_back({.name = "If-Range", .value = asked_for_->transfer.version});
  return headers;
}

bool ImageIntake::give_up_range() {
  takes_ranges_ = false;
  if (!asked_for_) return false;
  sink_.start({.size = {}, .version = ""});  // nor shall a later download ask for this rest
  return true;
}

bool ImageIntake::turns_to_whole(const Fault& fault) {
  if (!asked_for_ || !may_refuse_range(fault)) return false;
  takes_ranges_ = false;
  return true;
}

std::optional<Fault> ImageIntake::begin(const ResponseHead& head) {
  if (const auto why = no_image(head)) {
    if (!asked_for_) refuse(why->first, why->second);
    // A proxy's words, perhaps, and nothing against the bytes that are there.
    return Fault{.kind = FaultKind::misspoken, .reason = why->first};
  }
  if (head.status == 206) return begin_rest(head);
  if (head.length) check_size(*head.length);
  received_ = {};
  end_ = head.length;
  const fetch::Transfer transfer{.size = head.length,
                                 .version = version_.empty() ? strong_validator(head) : version_,
                                 .tells_end = head.length || is_chunked(head)};
  resumable_ = takes_ranges_ && !transfer.version.empty();
  sink_.start(transfer);
  return std::nullopt;
}

std::optional<Fault> ImageIntake::begin_rest(const ResponseHead& head) {
  resumable_ = true;
  if (!asked_for_ || !is_the_rest(head)) {
    return wrong_range("the server answers with bytes that weren't asked for: " + quote(head.header("content-range")));
  }
  end_ = parse_content_range(head.header("content-range"))->last + Bytes{1};
  return std::nullopt;
}

Fault ImageIntake::wrong_range(const std::string& reason) {
  return {.kind = give_up_range() ? FaultKind::wrong_range : FaultKind::misspoken, .reason = reason};
}

bool ImageIntake::is_the_rest(const ResponseHead& head) const {
  if (has_type(head, "multipart/byteranges")) return false;
  const auto range = parse_content_range(head.header("content-range"));
  if (!range || range->first != asked_for_->count) return false;
  if (range->whole && asked_for_->transfer.size && range->whole != asked_for_->transfer.size) return false;
  // Where nobody says how long the image is, a server may send a part of the rest, and it would count as whole.
  const auto whole = range->whole ? range->whole : asked_for_->transfer.size;
  if (!whole || range->last + Bytes{1} != *whole) return false;
  if (head.length && *head.length != range->last + Bytes{1} - range->first) return false;
  return !version_.empty() || has_same_validator(head);
}

// A 206 must repeat the tag (RFC 9110, 15.3.7). One that has changed, or is gone, is a server that doesn't honour
// If-Range, and the bytes may be another image's.
bool ImageIntake::has_same_validator(const ResponseHead& head) const {
  const std::string& version = asked_for_->transfer.version;
  return head.header(is_tag(version) ? "etag" : "last-modified") == version;
}

std::optional<std::pair<std::string, std::string>> ImageIntake::no_image(const ResponseHead& head) {
  if (has_type(head, "text/html")) {
    return {{"the server sends a web page (text/html)", "name the URL of the image itself, not of a page about it"}};
  }
  const std::string& encoding = head.header("content-encoding");
  if (encoding.empty() || same_word(encoding, "identity")) return std::nullopt;
  return {{"the server sends it with Content-Encoding " + quote(encoding),
           "let the server send the bytes of the file as they are"}};
}

std::optional<Fault> ImageIntake::body(std::span<const std::byte> bytes) {
  received_ = received_ + Bytes{bytes.size()};
  if (end_ && received_ > *end_) return wrong_range("the server sends more than it said");
  check_size(received_);
  sink_.write(bytes);
  advanced_ = resumable_ && received_ >= furthest_ + kAdvance;
  return std::nullopt;
}

std::optional<Fault> ImageIntake::end() {
  if (!end_ || received_ == *end_) return std::nullopt;
  return Fault{.kind = FaultKind::truncated, .reason = "the body ended before the end of the range it announced"};
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
