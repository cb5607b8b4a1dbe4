#pragma once

#include "agent/fetch/image_source.hpp"
#include "backends/glance/glance_client.hpp"

namespace basecache::glance {

// The bytes at `call.path`, of both versions of the API. The record's digest says which they are: a transfer that broke
// off goes on at another server. Errors as of GlanceClient::download(); source_unavailable when there are none.
void download_image(GlanceClient& client, const GlanceCall& call, const model::ImageRecord& record,
                    fetch::ImageSink& sink, const OpContext& op);

}  // namespace basecache::glance
