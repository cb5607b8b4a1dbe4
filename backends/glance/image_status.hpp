#pragma once

#include <string>

#include "agent/base/error.hpp"
#include "backends/glance/glance_image.hpp"

namespace basecache::glance {

// Returns when the image's bytes may be fetched: only an active one has them. Each other state of the image API's
// status machine is an Error of its own, with the field "status":
//   queued, saving, uploading, importing   source_unavailable (not here yet)
//   deactivated                            source_unauthorized
//   killed                                 image_unacceptable (its upload failed)
//   deleted, pending_delete                image_not_found
//   one we don't know                      source_unavailable
// An active image without a size has no data: source_unavailable.
void require_fetchable(const GlanceImage& image);

// Error(source_unavailable) when a server that was asked for one image has answered with another.
void require_same_image(const std::string& asked_id, const GlanceImage& image);

// A server that says of an active image that it has no bytes (status 204).
Error no_content(const std::string& image_id);

}  // namespace basecache::glance
