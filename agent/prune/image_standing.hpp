#pragma once

#include <optional>
#include <string>

#include "agent/base/op_context.hpp"
#include "agent/model/image.hpp"

namespace basecache::prune {

// Tells whether an image is still handed out where it came from.
class ImageStanding {
 public:
  virtual ~ImageStanding() = default;

  // Why it isn't any more: "its image was deleted in the registry". Nothing: it is, or nobody can tell.
  virtual std::optional<std::string> withdrawn(const model::ImageRef& ref, const OpContext& op) = 0;
};

}  // namespace basecache::prune
