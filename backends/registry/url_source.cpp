#include "backends/registry/url_source.hpp"

#include <fmt/format.h>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::registry {
namespace {

bool is_file_url(const model::ImageRef& ref) { return ref.text().starts_with("file:"); }

}  // namespace

model::ImageRecord UrlSource::describe(const model::ImageRef& ref, OpContext& op) {
  op.check();
  model::ImageRecord record{.ref = ref};
  if (is_file_url(ref)) {
    const SteadyFile file = files_.open(ref.text());
    record.name = file.path().filename().native();
    record.size = file.size();
  }
  return record;
}

void UrlSource::fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) {
  if (!is_file_url(record.ref)) return client_.download({.urls = {record.ref.text()}}, "", sink, op);
  const SteadyFile file = files_.open(record.ref.text());
  if (record.size && *record.size != file.size()) {
    throw Error(ErrorCode::source_unavailable,
                fmt::format("{} has {} bytes, it had {} a moment ago", quote(file.path().native()), file.size().count,
                            record.size->count))
        .set_hint("wait until whoever writes it is done");
  }
  file.send_to(sink, op);
}

}  // namespace basecache::registry
