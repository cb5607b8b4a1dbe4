#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/fetch/image_source.hpp"
#include "backends/glance/glance_client.hpp"
#include "backends/glance/glance_image.hpp"

namespace basecache::glance {

// Images of an image service that speaks version 1 of its API only ([glance] api_version = 1): read, never changed.
// Named by UUID.
class GlanceV1 : public fetch::ImageSource {
 public:
  // `registry_servers`: base URLs of the old registry, which keeps the records; none: the image service is asked for
  // them. Where they want tokens, they are among GlanceSettings::trusted_servers too. `client` must outlive this.
  GlanceV1(GlanceClient& client, std::vector<std::string> registry_servers)
      : client_(client), registry_servers_(std::move(registry_servers)) {}

  GlanceImage show(const std::string& image_id, const OpContext& op);

  // Errors as of GlanceRegistry.
  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;
  void fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) override;

 private:
  GlanceClient& client_;
  const std::vector<std::string> registry_servers_;
};

}  // namespace basecache::glance
