#include "backends/keystone/cloud_settings.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::keystone {
namespace {

// Names of clouds.yaml for what keystoneauth calls otherwise.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"cacert", "cafile"}, {"cert", "certfile"}, {"key", "keyfile"}};

// Sent as they are, they would say something else.
void check_texts(const AuthOptions& auth) {
  if (auth.token.reveal().find_first_of("\r\n") != std::string::npos) {
    throw Error(ErrorCode::invalid_request, "cannot authenticate: the token has a line end in it, so it is none")
        .set_hint("set token to the token alone in " + auth.origin);
  }
  const std::string url = lower_case(auth.auth_url);
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
    throw Error(ErrorCode::invalid_request, fmt::format("cannot authenticate: auth_url {} isn't an http or https URL",
                                                        quote(redact_url(auth.auth_url))))
        .set_hint("write it in full in " + auth.origin + ": http://keystone.example:5000/v3");
  }
}

}  // namespace

CloudAccess blank_access() {
  CloudAccess access;
  access.auth.auth_type.clear();
  return access;
}

void apply_settings(CloudAccess& access, const ReadSetting& read) {
  for (const std::string_view name : auth_option_names()) {
    if (auto value = read(name)) set_auth_option(access.auth, name, std::move(*value));
  }
  for (const auto& [name, option] : kOtherNames) {
    if (auto value = read(name)) set_auth_option(access.auth, option, std::move(*value));
  }
  if (auto region = read("region_name")) access.region = std::move(*region);
  if (auto interface = read("interface")) access.interfaces = {std::move(*interface)};
  if (auto url = read("image_endpoint_override")) access.image_endpoint_override = std::move(*url);
  if (const auto version = read("identity_api_version"); version && version->starts_with('2')) {
    throw Error(ErrorCode::invalid_request,
                "cannot authenticate: identity_api_version is 2, which Keystone has given up")
        .set_hint("remove identity_api_version from " + access.auth.origin + ", or set it to 3");
  }
}

void complete(CloudAccess& access) {
  AuthOptions& auth = access.auth;
  check_texts(auth);
  if (auth.auth_type.empty()) auth.auth_type = auth.token.empty() ? "password" : "token";
  if (auth.default_domain_id.empty() && auth.default_domain_name.empty()) auth.default_domain_id = "default";
}

}  // namespace basecache::keystone
