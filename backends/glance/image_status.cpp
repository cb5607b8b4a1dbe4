#include "backends/glance/image_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/base/text.hpp"

namespace basecache::glance {
namespace {

struct Row {
  std::string_view status;
  ErrorCode code;
  std::string_view why;
  std::string_view hint;
};

constexpr std::string_view kWait = "ask again once 'openstack image show' says that it is active";

constexpr std::array<Row, 8> kNotFetchable{{
    {"queued", ErrorCode::source_unavailable, "nothing has been uploaded to it yet", "upload its data, then ask again"},
    {"saving", ErrorCode::source_unavailable, "it is still being uploaded", kWait},
    {"uploading", ErrorCode::source_unavailable, "it is still being uploaded to be imported", kWait},
    {"importing", ErrorCode::source_unavailable, "it is still being imported", kWait},
    {"deactivated", ErrorCode::source_unauthorized, "an administrator has deactivated it",
     "an administrator may reactivate it"},
    {"killed", ErrorCode::image_unacceptable, "its upload failed", "delete it and upload it anew"},
    {"deleted", ErrorCode::image_not_found, "it has been deleted", "name another image"},
    {"pending_delete", ErrorCode::image_not_found, "it has been deleted and is about to be removed",
     "name another image"},
}};

Error not_fetchable(const GlanceImage& image, ErrorCode code, std::string_view why, std::string_view hint) {
  Error error(code, fmt::format("cannot fetch image {}: {} (status {})", quote(image.id), why,
                                quote_unless_plain(image.status, 40)));
  error.set_hint(std::string(hint)).add_field("status", image.status.substr(0, 40));
  return error;
}

}  // namespace

void require_fetchable(const GlanceImage& image) {
  if (image.status == "active") {
    if (image.size) return;
    throw not_fetchable(image, ErrorCode::source_unavailable, "it has no data", "upload its data or add a location");
  }
  const auto row = std::ranges::find(kNotFetchable, image.status, &Row::status);
  if (row != kNotFetchable.end()) throw not_fetchable(image, row->code, row->why, row->hint);
  throw not_fetchable(image, ErrorCode::source_unavailable, "it is in a state that we don't know", kWait);
}

void require_same_image(const std::string& asked_id, const GlanceImage& image) {
  if (lower_case(image.id) == lower_case(asked_id)) return;
  throw Error(ErrorCode::source_unavailable,
              "asked for image " + quote(asked_id) + ", the registry answered with " + quote(image.id, 40))
      .set_hint("look at what stands between this node and the registry: it mixes answers up");
}

Error no_content(const std::string& image_id) {
  Error error(ErrorCode::source_unavailable,
              fmt::format("cannot fetch image {}: the registry has no data for it", quote(image_id)));
  error.set_hint("look at its status and locations; upload its data if it has none").add_field("status", "204");
  return error;
}

}  // namespace basecache::glance
