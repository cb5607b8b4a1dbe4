#include "backends/glance/image_editor.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/base/text.hpp"
#include "backends/glance/api_path.hpp"
#include "backends/glance/image_catalog.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

constexpr int kConflict = 409;
constexpr const char* kJson = "application/json";

std::string with_member(const char* name, const std::string& value) {
  json body = json::object();
  body[name] = value;
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Glance reads a path as Latin-1 whatever its encoding, and ends a tag at a slash: it would be another tag.
std::string tag_path(const std::string& image_id, const std::string& tag) {
  const auto is_kept = [](char c) { return c >= ' ' && c <= '~' && c != '/'; };
  if (std::ranges::all_of(tag, is_kept)) return image_path(image_id) + "/tags/" + path_segment(tag);
  throw Error(ErrorCode::invalid_request, "tag " + quote(tag) + " can't be changed by itself: Glance would mistake it")
      .set_hint("update the image with the whole list of its tags");
}

std::string member_path(const std::string& image_id, const std::string& project_id) {
  return image_path(image_id) + "/members/" + path_segment(project_id);
}

// Leads to the same state however often it is sent.
GlanceCall change(std::string doing, http::Method method, std::string path) {
  return {.doing = std::move(doing), .path = std::move(path), .method = method, .repeatable = true};
}

// What is gone after its removal was sent again went with the first one, whose answer was lost.
void remove_at(GlanceClient& client, std::string doing, std::string path, const OpContext& op) {
  const GlanceCall call = change(std::move(doing), http::Method::remove, std::move(path));
  const auto answer = client.ask(call, op);
  if (answer.head.status / 100 == 2) return;
  const Error refusal = GlanceClient::refusal(call, answer);
  if (refusal.code() != ErrorCode::image_not_found || answer.sent == 1) throw refusal;
}

}  // namespace

CreatedImage ImageEditor::create(const NewImage& image, const OpContext& op) {
  ImageCatalog(client_).schema(op).check(image);
  const GlanceCall call{.doing = "create image " + quote(image.name.empty() ? image.id : image.name),
                        .path = "/v2/images",
                        .method = http::Method::post,
                        .body = creation_body(image),
                        .content_type = kJson,
                        .repeatable = !image.id.empty()};
  const auto answer = client_.ask(call, op);
  if (answer.head.status == 201) return {.image = parse_image(answer.body)};
  const Error refusal = GlanceClient::refusal(call, answer);
  if (answer.head.status == kConflict && !image.id.empty()) return settle_conflict(image, refusal, op);
  throw refusal;
}

CreatedImage ImageEditor::settle_conflict(const NewImage& image, const Error& conflict, const OpContext& op) {
  try {
    GlanceImage existing = ImageCatalog(client_).show(image.id, op);
    if (is_made_from(image, existing)) return {.image = std::move(existing), .is_ours = false};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::image_not_found) throw;  // an id may be taken by an image that we can't see
  }
  throw Error(ErrorCode::already_exists, conflict.message())
      .set_hint("name another id, or none")
      .add_field("image_id", image.id);
}

GlanceImage ImageEditor::update(const std::string& image_id, const ImagePatch& patch, const OpContext& op) {
  const auto answer = client_.call({.doing = "update image " + quote(image_id),
                                    .path = image_path(image_id),
                                    .method = http::Method::patch,
                                    .body = patch.body(),
                                    .content_type = std::string(ImagePatch::kMediaType),
                                    .repeatable = patch.is_repeatable()},
                                   op);
  return parse_image(answer.body);
}

void ImageEditor::remove(const std::string& image_id, const OpContext& op) {
  remove_at(client_, "delete image " + quote(image_id), image_path(image_id), op);
}

void ImageEditor::add_tag(const std::string& image_id, const std::string& tag, const OpContext& op) {
  client_.call(change("tag image " + quote(image_id), http::Method::put, tag_path(image_id, tag)), op);
}

void ImageEditor::remove_tag(const std::string& image_id, const std::string& tag, const OpContext& op) {
  remove_at(client_, "remove a tag of image " + quote(image_id), tag_path(image_id, tag), op);
}

ImageMember ImageEditor::add_member(const std::string& image_id, const std::string& project_id, const OpContext& op) {
  const auto answer = client_.call({.doing = "share image " + quote(image_id) + " with " + quote(project_id),
                                    .path = image_path(image_id) + "/members",
                                    .method = http::Method::post,
                                    .body = with_member("member", project_id),
                                    .content_type = kJson},
                                   op);
  return parse_member(answer.body);
}

ImageMember ImageEditor::set_member_status(const std::string& image_id, const std::string& project_id,
                                           const std::string& status, const OpContext& op) {
  GlanceCall call = change("set the status of a member of image " + quote(image_id), http::Method::put,
                           member_path(image_id, project_id));
  call.body = with_member("status", status);
  call.content_type = kJson;
  return parse_member(client_.call(call, op).body);
}

void ImageEditor::remove_member(const std::string& image_id, const std::string& project_id, const OpContext& op) {
  remove_at(client_, "remove a member of image " + quote(image_id), member_path(image_id, project_id), op);
}

void ImageEditor::deactivate(const std::string& image_id, const OpContext& op) {
  client_.call(
      change("deactivate image " + quote(image_id), http::Method::post, image_path(image_id) + "/actions/deactivate"),
      op);
}

void ImageEditor::reactivate(const std::string& image_id, const OpContext& op) {
  client_.call(
      change("reactivate image " + quote(image_id), http::Method::post, image_path(image_id) + "/actions/reactivate"),
      op);
}

}  // namespace basecache::glance
