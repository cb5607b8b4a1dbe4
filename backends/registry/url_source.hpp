#pragma once

#include <vector>

#include "agent/base/path.hpp"
#include "agent/cache/image_source.hpp"
#include "backends/http/http_client.hpp"
#include "backends/registry/steady_file.hpp"

namespace basecache::registry {

// Images that a caller names by URL: http and https through the client, file below the configured directories.
// A file is opened beneath its directory without following any symbolic link (the directory itself may be reached
// through some), must be a regular one, and is refused when it changes while it is read.
class UrlSource : public cache::ImageSource {
 public:
  // `file_directories`: [basecache] file_url_directories, absolute. None: file:// is forbidden. `client` must outlive
  // this.
  UrlSource(http::HttpClient& client, std::vector<Path> file_directories);

  // A file's name and size are known; of an http URL nothing is, and nothing is asked.
  // Error(forbidden) for a file elsewhere, image_not_found, source_unauthorized, source_unavailable; invalid_request
  // for a file URL that doesn't name a file.
  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;
  // Errors also as HttpClient::download().
  void fetch(const model::ImageRecord& record, cache::ImageSink& sink, OpContext& op) override;

 private:
  SteadyFile open_beneath(const model::ImageRef& ref) const;

  http::HttpClient& client_;
  const std::vector<Path> file_directories_;  // longest first
};

}  // namespace basecache::registry
