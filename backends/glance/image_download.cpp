#include "backends/glance/image_download.hpp"

#include "agent/base/error.hpp"
#include "backends/glance/image_status.hpp"
#include "backends/glance/server_answer.hpp"

namespace basecache::glance {

void download_image(GlanceClient& client, const GlanceCall& call, const model::ImageRecord& record,
                    fetch::ImageSink& sink, const OpContext& op) {
  try {
    client.download(call, record.digest ? record.digest->text() : "", sink, op);
  } catch (const Error& error) {
    if (has_status(error, 204)) throw no_content(record.ref.shown());
    throw;
  }
}

}  // namespace basecache::glance
