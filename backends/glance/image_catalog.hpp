#pragma once

#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "backends/glance/glance_client.hpp"
#include "backends/glance/glance_image.hpp"
#include "backends/glance/image_href.hpp"
#include "backends/glance/image_list_query.hpp"
#include "backends/glance/image_member.hpp"
#include "backends/glance/image_schema.hpp"

namespace basecache::glance {

// What the registry lists. A record that can't be read hides no other one.
struct ImageList {
  struct Damaged {
    std::string id;  // "" when that can't be read either
    std::string why;
  };
  std::vector<GlanceImage> images;
  std::vector<Damaged> damaged;
};

// What is read of the registry. Errors as of GlanceClient::call(); source_unavailable for answers that can't be read.
class ImageCatalog {
 public:
  explicit ImageCatalog(GlanceClient& client) : client_(client) {}

  GlanceImage show(const ImageAddress& image, const OpContext& op);
  // Of our own servers.
  GlanceImage show(const std::string& image_id, const OpContext& op) {
    return show({.server = {}, .id = image_id}, op);
  }
  // All pages, newest first.
  ImageList list(const ImageFilter& filter, const OpContext& op);
  std::vector<ImageMember> members(const std::string& image_id, const OpContext& op);
  ImageSchema schema(const OpContext& op);

 private:
  GlanceClient& client_;
};

}  // namespace basecache::glance
