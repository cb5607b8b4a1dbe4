#pragma once

#include <string>
#include <vector>

#include "agent/fetch/image_source.hpp"
#include "backends/http/http_client.hpp"
#include "backends/registry/file_urls.hpp"
#include "backends/registry/swift_store.hpp"

namespace basecache::registry {

// What an operator says about locations.
struct LocationRules {
  std::vector<std::string> allowed_schemes;  // [glance] allowed_direct_url_schemes; none: only the registry serves
  std::string s3_region = "us-east-1";       // where a host's name doesn't say it
  http::TlsFiles tls = {};
  bool allow_md5 = false;  // an md5 is enough to tell the image's bytes from others
};

// Before the registry's own data path: the places where the registry says that the bytes are. They are tried in its
// order; one that fails is noted and followed by the next. What they send must fit the record's digest; an image that
// nothing can be verified by is fetched from its registry only.
class LocationSource : public fetch::ImageSource {
 public:
  // All must outlive this.
  LocationSource(fetch::ImageSource& registry, http::HttpClient& client, const FileUrls& files, SwiftStore& swift,
                 LocationRules rules);

  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;
  void fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) override;

 private:
  bool is_verifiable(const model::ImageRecord& record) const;
  bool is_allowed(const std::string& scheme) const;
  std::vector<std::string> allowed_locations(const model::ImageRecord& record) const;
  bool fetch_from_any(const std::vector<std::string>& locations, const model::ImageRecord& record,
                      fetch::ImageSink& sink, OpContext& op);
  // Whether the whole image came from there.
  bool fetch_from(const std::string& location, const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op);
  void transfer(LocationWay way, const std::string& location, const model::ImageRecord& record, fetch::ImageSink& sink,
                OpContext& op);
  void copy_file(const std::string& location, const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op);
  void fetch_s3(const std::string& location, const std::string& version, fetch::ImageSink& sink, OpContext& op);

  fetch::ImageSource& registry_;
  http::HttpClient& client_;
  const FileUrls& files_;
  SwiftStore& swift_;
  const LocationRules rules_;
};

}  // namespace basecache::registry
