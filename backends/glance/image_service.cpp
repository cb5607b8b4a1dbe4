#include "backends/glance/image_service.hpp"

#include <utility>

namespace basecache::glance {
namespace {

// A catalog names the service with its version or without.
std::string base_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  for (const std::string_view version : {"/v2", "/v1"}) {
    if (url.ends_with(version)) url.resize(url.size() - version.size());
  }
  return url;
}

}  // namespace

ImageService::ImageService(http::HttpClient& http, ImageServiceSettings settings)
    : servers_(std::move(settings.servers)),
      endpoint_(std::move(settings.endpoint)),
      client_(http, *this, std::move(settings.client)) {
  if (settings.auth) identity_.emplace(http, *std::move(settings.auth));
}

Access ImageService::access(const OpContext& op) {
  Access access;
  // Who brings a token of their own needs ours for the catalog only.
  const bool needs_ours = servers_.empty() || op.transfers().token.empty();
  const auto token = identity_ && needs_ours ? identity_->token(op) : nullptr;
  if (token) access.token = token->id;
  for (const std::string& server : servers_) access.servers.push_back(base_url(server));
  if (servers_.empty() && token) access.servers.push_back(base_url(token->catalog.url_of(endpoint_)));
  return access;
}

void ImageService::refused(const Secret& token) {
  if (identity_) identity_->invalidate(token);
}

}  // namespace basecache::glance
