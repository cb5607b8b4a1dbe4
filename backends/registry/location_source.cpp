#include "backends/registry/location_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::registry {
namespace {

// A record may name thousands, and each that doesn't answer costs a connection's timeout.
constexpr std::size_t kMostLocations = 8;
constexpr unsigned kRetries = 1;  // a transfer that breaks off goes on there; else the next location is the retry

// Whether another place may do better. What is wrong with this node, or with the request, stays wrong.
bool is_of_the_place(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_request:
    case ErrorCode::forbidden:
    case ErrorCode::image_not_found:
    case ErrorCode::image_unacceptable:
    case ErrorCode::checksum_mismatch:
    case ErrorCode::source_unauthorized:
    case ErrorCode::source_unavailable:
      return true;
    case ErrorCode::not_found:
    case ErrorCode::disk_too_small:
    case ErrorCode::no_space:
    case ErrorCode::storage_unusable:
    case ErrorCode::busy:
    case ErrorCode::in_use:
    case ErrorCode::already_exists:
    case ErrorCode::tool_failed:
    case ErrorCode::timed_out:
    case ErrorCode::internal:
      return false;
  }
  return false;
}

}  // namespace

LocationSource::LocationSource(fetch::ImageSource& registry, http::HttpClient& client, const FileUrls& files,
                               SwiftStore& swift, LocationRules rules)
    : registry_(registry), client_(client), files_(files), swift_(swift), rules_(std::move(rules)) {}

model::ImageRecord LocationSource::describe(const model::ImageRef& ref, OpContext& op) {
  return registry_.describe(ref, op);
}

bool LocationSource::is_verifiable(const model::ImageRecord& record) const {
  return record.digest && (rules_.allow_md5 || record.digest->algorithm != DigestAlgorithm::md5);
}

bool LocationSource::is_allowed(const std::string& scheme) const {
  return std::ranges::find(rules_.allowed_schemes, scheme) != rules_.allowed_schemes.end();
}

void LocationSource::fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) {
  if (!fetch_from_any(allowed_locations(record), record, sink, op)) registry_.fetch(record, sink, op);
}

std::vector<std::string> LocationSource::allowed_locations(const model::ImageRecord& record) const {
  std::vector<std::string> allowed;
  std::ranges::copy_if(record.locations, std::back_inserter(allowed),
                       [&](const std::string& location) { return is_allowed(scheme_of(location)); });
  return allowed;
}

bool LocationSource::fetch_from_any(const std::vector<std::string>& locations, const model::ImageRecord& record,
                                    fetch::ImageSink& sink, OpContext& op) {
  if (locations.empty()) return false;
  if (!is_verifiable(record)) {
    op.note(fmt::format("{} locations were passed over: the image has no digest that tells its bytes from others",
                        locations.size()));
    return false;
  }
  const std::size_t tried = std::min(locations.size(), kMostLocations);
  for (const std::string& location : std::span(locations).first(tried)) {
    if (fetch_from(location, record, sink, op)) return true;
  }
  if (tried < locations.size()) {
    op.note(fmt::format("{} more locations were passed over: {} are tried", locations.size() - tried, tried));
  }
  return false;
}

bool LocationSource::fetch_from(const std::string& location, const model::ImageRecord& record, fetch::ImageSink& sink,
                                OpContext& op) {
  const std::string shown = quote(redact_url(location));
  const LocationWay way = way_of(scheme_of(location));
  if (way == LocationWay::none) {
    op.note(fmt::format("location {} was passed over: nothing here reads '{}'", shown, scheme_of(location)));
    return false;
  }
  try {
    transfer(way, location, record, sink, op);
    sink.verify();
    return true;
  } catch (const Error& error) {
    if (!is_of_the_place(error.code())) throw;
    op.note(fmt::format("location {} failed: {}{}{}{}", shown, error.message(), error.hint().empty() ? "" : " (",
                        error.hint(), error.hint().empty() ? "" : ")"));
    return false;
  }
}

void LocationSource::transfer(LocationWay way, const std::string& location, const model::ImageRecord& record,
                              fetch::ImageSink& sink, OpContext& op) {
  const std::string version = record.digest->text();
  switch (way) {
    case LocationWay::file:
      return copy_file(location, record, sink, op);
    case LocationWay::http:
      return client_.download({.urls = {location}, .tls = rules_.tls, .named_by_server = true, .retries = kRetries},
                              version, sink, op);
    case LocationWay::s3:
      return fetch_s3(location, version, sink, op);
    case LocationWay::swift:
      return swift_.fetch(parse_swift(location), version, sink, op);
    case LocationWay::none:
      return;
  }
}

void LocationSource::copy_file(const std::string& location, const model::ImageRecord& record, fetch::ImageSink& sink,
                               OpContext& op) {
  // Glance's file store calls itself "filesystem" in old records.
  const SteadyFile file = files_.open("file" + location.substr(location.find("://")));
  if (record.size && *record.size != file.size()) {
    throw Error(ErrorCode::source_unavailable,
                fmt::format("the file has {} bytes, the image {}", file.size().count, record.size->count))
        .set_hint("look at the image's locations: the file isn't the image's, or is being written");
  }
  file.send_to(sink, op);
}

void LocationSource::fetch_s3(const std::string& location, const std::string& version, fetch::ImageSink& sink,
                              OpContext& op) {
  const StoreLocation object = parse_s3(location);
  http::HttpRequest request{
      .urls = {object.object_url()}, .tls = rules_.tls, .named_by_server = true, .retries = kRetries};
  if (!object.user.empty()) {
    request.signing = http::S3Signing{
        .access_key = object.user, .secret_key = object.key, .region = region_of(object.url, rules_.s3_region)};
  }
  client_.download(request, version, sink, op);
}

}  // namespace basecache::registry
