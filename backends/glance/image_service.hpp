#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/glance/glance_client.hpp"
#include "backends/glance/image_endpoints.hpp"
#include "backends/http/http_client.hpp"
#include "backends/keystone/auth_options.hpp"
#include "backends/keystone/catalog.hpp"
#include "backends/keystone/identity.hpp"

namespace basecache::glance {

// Where the image service is and who we are to it.
struct ImageServiceSettings {
  std::optional<keystone::AuthOptions> auth;  // absent: no Keystone, and no token of ours
  std::vector<std::string> servers;           // [glance] api_servers; none: as the catalog says
  keystone::EndpointWish endpoint;
  GlanceSettings client;

  bool is_configured() const { return auth || !servers.empty(); }
};

// The image service of a node: its servers, our token for them, and the client that uses both.
class ImageService : private ImageEndpoints {
 public:
  // Error(invalid_request) for credentials that aren't complete. `http` must outlive this.
  ImageService(http::HttpClient& http, ImageServiceSettings settings);
  ImageService(const ImageService&) = delete;
  ImageService& operator=(const ImageService&) = delete;
  ~ImageService() override = default;

  GlanceClient& client() { return client_; }
  // Null without Keystone.
  keystone::Identity* identity() { return identity_ ? &*identity_ : nullptr; }

 private:
  Access access(const OpContext& op) override;
  void refused(const Secret& token) override;

  const std::vector<std::string> servers_;
  const keystone::EndpointWish endpoint_;
  std::optional<keystone::Identity> identity_;
  GlanceClient client_;
};

}  // namespace basecache::glance
