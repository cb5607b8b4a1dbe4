#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"
#include "backends/glance/glance_client.hpp"
#include "backends/glance/glance_image.hpp"
#include "backends/glance/hashed_upload.hpp"
#include "backends/glance/image_editor.hpp"
#include "backends/glance/new_image.hpp"
#include "backends/http/retry_policy.hpp"

namespace basecache::glance {

// Brings an image's bytes to the registry, and makes sure that they arrived: status, size and checksum of the record
// are compared with what was sent. An upload that breaks off is looked after: is the record queued again, all is sent
// anew.
class ImageUploader {
 public:
  // `client` must outlive this. `retry`: [glance] num_retries.
  ImageUploader(GlanceClient& client, const http::RetryParameters& retry) : client_(client), retry_(retry) {}

  // To a record that is queued. Errors as of GlanceClient::call() and of the body; checksum_mismatch.
  GlanceImage upload(const std::string& image_id, HashedUpload& body, const OpContext& op);

  // A new record with these bytes, of the id that is named or of a new one. A record that was made for nothing is
  // deleted; when that fails, the Error's hint says so. Errors also as of ImageEditor::create().
  GlanceImage import_image(NewImage image, HashedUpload& body, const OpContext& op);

 private:
  struct Failure {
    Error error;
    bool is_final = false;
  };

  std::optional<Failure> attempt(const std::string& image_id, HashedUpload& body, const OpContext& op);
  GlanceImage settled(const std::string& image_id, const Error& failure, const OpContext& op);
  CreatedImage create(const NewImage& image, bool is_new_id, const OpContext& op);
  bool remove_quietly(const std::string& image_id, std::chrono::seconds patience, const OpContext& op);

  GlanceClient& client_;
  const http::RetryParameters retry_;
};

}  // namespace basecache::glance
