#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "agent/api/operations.hpp"
#include "agent/cache/image_cache.hpp"

namespace basecache::periodic {

// The base files of the listed images, made before somebody asks for them. One at a time, each as an operation that
// 'ops list' shows and 'ops cancel' ends, and behind every build that somebody waits for (OpContext::is_ahead()). A
// base file is never written again: where a URL has other bytes by now, the one that is there stays.
class Precaching {
 public:
  // Both outlive this. `entries`: of read_precache_list().
  Precaching(cache::ImageCache& images, api::Operations& operations, std::vector<std::string> entries)
      : images_(images), operations_(operations), entries_(std::move(entries)) {}

  // Reads the list and goes through it; what is there is marked as used. A failure is logged, and the next image has
  // its turn; the next look tries again. Error(busy) when the agent takes no operation any more.
  void look(const std::stop_token& stop) const;

 private:
  bool acquire(const model::ImageRef& image, const std::stop_token& stop) const;

  cache::ImageCache& images_;
  api::Operations& operations_;
  const std::vector<std::string> entries_;
};

}  // namespace basecache::periodic
