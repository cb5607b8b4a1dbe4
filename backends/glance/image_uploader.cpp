#include "backends/glance/image_uploader.hpp"

#include <fmt/format.h>

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "agent/base/text.hpp"
#include "backends/glance/api_path.hpp"
#include "backends/glance/image_catalog.hpp"
#include "backends/glance/image_editor.hpp"
#include "backends/glance/upload_outcome.hpp"
#include "backends/http/fault.hpp"

namespace basecache::glance {
namespace {

// For one small request, after the operation itself has ended.
constexpr std::chrono::seconds kCleanUp{30};
constexpr std::chrono::seconds kShortCleanUp{5};  // where nobody knows whether there is anything to remove

std::optional<std::chrono::milliseconds> pause_after(const http::RetryParameters& retry, unsigned failures) {
  constexpr std::size_t steps = 1024;
  return http::next_delay(retry, failures, std::nullopt, static_cast<double>(random_below(steps)) / steps);
}

void verify(const GlanceImage& image, const HashedUpload& body) {
  const auto found = digest_of(image);
  require_uploaded(image, body.size(), found ? std::optional(body.digest(found->algorithm)) : std::nullopt);
}

// Rather than refused: the answer was lost, came too late or made no sense.
bool may_have_been_made(const Error& error) {
  return error.code() == ErrorCode::source_unavailable || error.code() == ErrorCode::timed_out;
}

// A record that is queued again is none the worse for it.
Error given_up(Error error, const GlanceImage& image) {
  if (image.status == "queued") return error;
  error.set_hint(fmt::format("it left image {} in status {}; the registry's log says why", quote(image.id),
                             quote_unless_plain(image.status, 40)));
  return error;
}

}  // namespace

std::optional<ImageUploader::Failure> ImageUploader::attempt(const std::string& image_id, HashedUpload& body,
                                                             const OpContext& op) {
  const GlanceCall call{.doing = "upload image " + quote(image_id), .path = image_path(image_id) + "/file"};
  try {
    const auto answer = client_.upload(call, body, op);
    if (answer.head.status >= 200 && answer.head.status < 300) return std::nullopt;
    return Failure{.error = GlanceClient::refusal(call, answer),
                   .is_final = !http::is_retried(http::FaultKind::status, answer.head.status)};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::source_unavailable) throw;  // not the registry's doing, or for good
    return Failure{.error = error};
  }
}

// The record after a failure. Glance needs a moment to notice that a sender has gone: until then it is "saving".
GlanceImage ImageUploader::settled(const std::string& image_id, const Error& failure, const OpContext& op) {
  for (unsigned looks = 1;; ++looks) {
    std::optional<GlanceImage> image;
    try {
      image = ImageCatalog(client_).show(image_id, op);
    } catch (const Error&) {
      throw failure;  // what it came of says more
    }
    const auto pause = pause_after(retry_, looks);
    if (image->status != "saving" || !pause) return *std::move(image);
    op.wait_for(*pause);
  }
}

GlanceImage ImageUploader::upload(const std::string& image_id, HashedUpload& body, const OpContext& op) {
  for (unsigned failures = 1;; ++failures) {
    const auto failure = attempt(image_id, body, op);
    GlanceImage image = failure ? settled(image_id, failure->error, op) : ImageCatalog(client_).show(image_id, op);
    const auto pause = pause_after(retry_, failures);
    const auto next = failure ? after_failed_upload({.status = image.status,
                                                     .all_sent = body.is_complete(),
                                                     .is_final = failure->is_final,
                                                     .may_repeat = pause.has_value()})
                              : AfterFailedUpload::accept;
    switch (next) {
      case AfterFailedUpload::accept:
        verify(image, body);
        return image;
      case AfterFailedUpload::repeat:
        op.wait_for(*pause);
        break;
      case AfterFailedUpload::give_up:
        throw given_up(failure->error, image);
    }
  }
}

GlanceImage ImageUploader::import_image(NewImage image, HashedUpload& body, const OpContext& op) {
  // With an id of our own a lost answer can be told from a failure, and what it may have made is ours to remove.
  const bool is_new_id = image.id.empty();
  if (is_new_id) image.id = to_string(boost::uuids::random_generator()());
  const CreatedImage created = create(image, is_new_id, op);
  const std::string& id = created.image.id;
  try {
    return upload(id, body, op);
  } catch (Error& error) {
    if (created.is_ours && !remove_quietly(id, kCleanUp, op)) {
      error.set_hint("delete image " + quote(id) + " from the registry: it is of no use, and we couldn't delete it");
    }
    throw;
  } catch (const Cancelled&) {
    if (created.is_ours) remove_quietly(id, kCleanUp, op);
    throw;
  }
}

CreatedImage ImageUploader::create(const NewImage& image, bool is_new_id, const OpContext& op) {
  try {
    return ImageEditor(client_).create(image, op);
  } catch (const Error& error) {
    if (is_new_id && may_have_been_made(error)) remove_quietly(image.id, kShortCleanUp, op);
    throw;
  } catch (const Cancelled&) {
    if (is_new_id) remove_quietly(image.id, kShortCleanUp, op);
    throw;
  }
}

// The operation may have been cancelled or be out of time: this has its own.
bool ImageUploader::remove_quietly(const std::string& image_id, std::chrono::seconds patience, const OpContext& op) {
  OpContext own(op.id(), {}, OpContext::Clock::now() + patience);
  own.set_transfers(op.transfers());
  try {
    ImageEditor(client_).remove(image_id, own);
    return true;
  } catch (const Error& error) {
    return error.code() == ErrorCode::image_not_found;
  }
}

}  // namespace basecache::glance
