#include "backends/glance/glance_v1.hpp"

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/glance/api_path.hpp"
#include "backends/glance/image_download.hpp"
#include "backends/glance/image_status.hpp"
#include "backends/glance/v1_image.hpp"

namespace basecache::glance {
namespace {

std::string v1_path(const std::string& image_id) { return "/v1/images/" + path_segment(image_id); }

std::string id_of(const model::ImageRef& ref) {
  if (ref.kind() == model::ImageRef::Kind::registry_id) return lower_case(ref.text());
  throw Error(ErrorCode::invalid_request, "image ref " + quote(ref.shown()) + " is no UUID of an image")
      .set_hint("with [glance] api_version = 1 images are named by UUID")
      .add_field("field", "image_ref");
}

}  // namespace

GlanceImage GlanceV1::show(const std::string& image_id, const OpContext& op) {
  const std::string doing = "show image " + quote(image_id);
  if (registry_servers_.empty()) {
    const auto answer = client_.call({.doing = doing, .path = v1_path(image_id), .method = http::Method::head}, op);
    return parse_v1_headers(answer.head.headers);
  }
  const GlanceCall call{.doing = doing, .path = "/images/" + path_segment(image_id), .servers = registry_servers_};
  return parse_v1_record(client_.call(call, op).body);
}

model::ImageRecord GlanceV1::describe(const model::ImageRef& ref, OpContext& op) {
  const std::string id = id_of(ref);
  const GlanceImage image = show(id, op);
  require_same_image(id, image);
  require_fetchable(image);
  return record_of(image, ref);
}

void GlanceV1::fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) {
  const std::string id = id_of(record.ref);
  download_image(client_, {.doing = "fetch image " + quote(id), .path = v1_path(id)}, record, sink, op);
}

}  // namespace basecache::glance
