#pragma once

#include "agent/fetch/image_source.hpp"
#include "backends/glance/glance_client.hpp"

namespace basecache::glance {

// Images of the image service, version 2: named by UUID, or by Nova's href of any Glance (see parse_href()), whose
// server is asked then. Only through the service itself: the record's locations are for others to try before.
class GlanceRegistry : public fetch::ImageSource {
 public:
  // `client` must outlive this.
  explicit GlanceRegistry(GlanceClient& client) : client_(client) {}

  // Only of an image whose bytes may be fetched: each other state is the Error of require_fetchable(). Errors besides:
  // invalid_request for a ref that names no image of a registry, and those of GlanceClient::call().
  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;

  // A transfer that broke off goes on at the next server: the checksum tells that its bytes are the same. Errors as of
  // HttpClient::download(); source_unavailable for an image without data.
  void fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) override;

 private:
  GlanceClient& client_;
};

}  // namespace basecache::glance
