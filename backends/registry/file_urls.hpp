#pragma once

#include <string>
#include <vector>

#include "agent/base/path.hpp"
#include "backends/registry/steady_file.hpp"

namespace basecache::registry {

// The files that file:// URLs may name: those below some directories. A file is opened beneath its directory without
// following any symbolic link (the directory itself may be reached through some) and must be a regular one.
class FileUrls {
 public:
  // [basecache] file_url_directories, absolute. None: file:// is forbidden.
  explicit FileUrls(std::vector<Path> directories);

  // Error(forbidden) for a file elsewhere, image_not_found, source_unauthorized, source_unavailable; invalid_request
  // for a URL that doesn't name a file.
  SteadyFile open(const std::string& url) const;

 private:
  const std::vector<Path> directories_;  // longest first
};

}  // namespace basecache::registry
