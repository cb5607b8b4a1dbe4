#pragma once

#include <memory>

#include "agent/fetch/verification.hpp"
#include "agent/model/image.hpp"

namespace basecache::fetch {

// Tells whether an image's bytes are those its owner signed.
class ImageVerifier {
 public:
  virtual ~ImageVerifier() = default;

  // Before the first byte. Null when this node doesn't verify signatures. Error(image_unacceptable) when the image has
  // no whole signature, or its certificate is absent, out of date, not trusted, or of another key type. The
  // verification stands alone: it needs neither the verifier nor the record any more.
  virtual std::unique_ptr<Verification> begin(const model::ImageRecord& image) const = 0;
};

}  // namespace basecache::fetch
