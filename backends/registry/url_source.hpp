#pragma once

#include "agent/fetch/image_source.hpp"
#include "backends/http/http_client.hpp"
#include "backends/registry/file_urls.hpp"

namespace basecache::registry {

// Images that a caller names by URL: http and https through the client, file:// among the files that may be named. A
// file that changes while it is read is refused.
class UrlSource : public fetch::ImageSource {
 public:
  // Both must outlive this.
  UrlSource(http::HttpClient& client, const FileUrls& files) : client_(client), files_(files) {}

  // A file's name and size are known; of an http URL nothing is, and nothing is asked. Errors as FileUrls::open().
  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;
  // Errors also as HttpClient::download().
  void fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) override;

 private:
  http::HttpClient& client_;
  const FileUrls& files_;
};

}  // namespace basecache::registry
