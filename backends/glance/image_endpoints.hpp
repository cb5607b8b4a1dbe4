#pragma once

#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/base/secret.hpp"

namespace basecache::glance {

// Where images are asked for, and as whom.
struct Access {
  std::vector<std::string> servers;  // base URLs without "/v2", all of one registry
  Secret token;                      // empty: the servers want none
};

// Who knows the image service's servers and our own token for them. Serves any number of threads.
class ImageEndpoints {
 public:
  virtual ~ImageEndpoints() = default;

  // No server only where none is configured: then nothing but hrefs can be asked for. Error when no token can be had.
  virtual Access access(const OpContext& op) = 0;
  // A server answered 401 to this token, which access() gave: it isn't given again.
  virtual void refused(const Secret& token) = 0;
};

}  // namespace basecache::glance
