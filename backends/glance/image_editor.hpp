#pragma once

#include <string>

#include "agent/base/op_context.hpp"
#include "backends/glance/glance_client.hpp"
#include "backends/glance/glance_image.hpp"
#include "backends/glance/image_member.hpp"
#include "backends/glance/image_patch.hpp"
#include "backends/glance/new_image.hpp"

namespace basecache::glance {

struct CreatedImage {
  GlanceImage image;
  bool is_ours = true;  // false: it may have been there before
};

// What is changed in the registry's records. Errors as of GlanceClient::call(); but to remove what a removal with a
// lost answer may have removed already is a success.
class ImageEditor {
 public:
  explicit ImageEditor(GlanceClient& client) : client_(client) {}

  // Checked against the registry's schema first. With an id of our own the request is repeated when its answer is lost,
  // and an image that is there already with that id and the very same record is the one we made; any other is
  // Error(already_exists).
  CreatedImage create(const NewImage& image, const OpContext& op);
  GlanceImage update(const std::string& image_id, const ImagePatch& patch, const OpContext& op);
  void remove(const std::string& image_id, const OpContext& op);

  // By printable ASCII without '/'; Error(invalid_request) for other tags, which update() can set.
  void add_tag(const std::string& image_id, const std::string& tag, const OpContext& op);
  void remove_tag(const std::string& image_id, const std::string& tag, const OpContext& op);

  ImageMember add_member(const std::string& image_id, const std::string& project_id, const OpContext& op);
  // "pending", "accepted" or "rejected"; the member itself decides.
  ImageMember set_member_status(const std::string& image_id, const std::string& project_id, const std::string& status,
                                const OpContext& op);
  void remove_member(const std::string& image_id, const std::string& project_id, const OpContext& op);

  // Whoever Glance's policy lets. None but administrators may fetch its bytes until it is reactivated.
  void deactivate(const std::string& image_id, const OpContext& op);
  void reactivate(const std::string& image_id, const OpContext& op);

 private:
  CreatedImage settle_conflict(const NewImage& image, const Error& conflict, const OpContext& op);

  GlanceClient& client_;
};

}  // namespace basecache::glance
