#include "backends/glance/glance_registry.hpp"

#include "agent/base/text.hpp"
#include "backends/glance/api_path.hpp"
#include "backends/glance/image_catalog.hpp"
#include "backends/glance/image_download.hpp"
#include "backends/glance/image_href.hpp"
#include "backends/glance/image_status.hpp"

namespace basecache::glance {

model::ImageRecord GlanceRegistry::describe(const model::ImageRef& ref, OpContext& op) {
  const ImageAddress address = address_of(ref);
  const GlanceImage image = ImageCatalog(client_).show(address, op);
  require_fetchable(image);
  model::ImageRecord record = record_of(image, ref);
  // Whoever runs it may name objects of our stores, which our own rights would open.
  if (!client_.is_ours(servers_of(address), op)) record.locations.clear();
  return record;
}

void GlanceRegistry::fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) {
  const ImageAddress image = address_of(record.ref);
  download_image(
      client_,
      {.doing = "fetch image " + quote(image.id), .path = image_path(image.id) + "/file", .servers = servers_of(image)},
      record, sink, op);
}

}  // namespace basecache::glance
