#include "backends/glance/upload_outcome.hpp"

#include <fmt/format.h>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::glance {
namespace {

Error not_what_was_sent(const GlanceImage& image, const std::string& what, const std::string& sent,
                        const std::string& found) {
  Error error(ErrorCode::checksum_mismatch,
              fmt::format("image {} at the registry is not what was sent: its {} is {}, {} was sent", quote(image.id),
                          what, found, sent));
  error.set_hint("upload it anew; look at the registry's store and at what stands before it");
  error.add_field("expected", sent).add_field("found", found);
  return error;
}

}  // namespace

AfterFailedUpload after_failed_upload(const FailedUpload& failed) {
  if (failed.is_final) return AfterFailedUpload::give_up;
  if (failed.status == "active" && failed.all_sent) return AfterFailedUpload::accept;
  return failed.status == "queued" && failed.may_repeat ? AfterFailedUpload::repeat : AfterFailedUpload::give_up;
}

void require_uploaded(const GlanceImage& image, Bytes sent, const std::optional<Digest>& digest) {
  if (image.status != "active") {
    throw Error(ErrorCode::source_unavailable, fmt::format("image {} is {} after it was uploaded, not active",
                                                           quote(image.id), quote_unless_plain(image.status, 40)))
        .set_hint("look at the registry's log")
        .add_field("status", image.status.substr(0, 40));
  }
  if (image.size != sent) {
    throw not_what_was_sent(image, "size", std::to_string(sent.count),
                            image.size ? std::to_string(image.size->count) : "unknown");
  }
  const auto found = digest_of(image);
  if (found && digest != found) {
    throw not_what_was_sent(image, "checksum", digest ? digest->text() : "unknown", found->text());
  }
}

}  // namespace basecache::glance
