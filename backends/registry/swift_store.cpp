#include "backends/registry/swift_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/http/url.hpp"

namespace basecache::registry {
namespace {

bool same_server(std::string_view a, std::string_view b) {
  const auto first = http::parse_url(a);
  const auto second = http::parse_url(b);
  return first && second && first->scheme == second->scheme && first->host == second->host &&
         first->port == second->port;
}

constexpr unsigned kRetries = 1;  // as of LocationSource

// Swift's tempauth and Ceph's gateway serve version 1 there ("/auth/v1.0", "/auth/v1").
bool is_version_1(std::string_view url) { return url.ends_with("/v1.0") || url.ends_with("/v1"); }

}  // namespace

void SwiftStore::fetch(const StoreLocation& location, const std::string& version, fetch::ImageSink& sink,
                       const OpContext& op) {
  const Account account = account_of(location, op);
  http::HttpRequest request{.urls = {account.url + "/" + location.container + "/" + location.object},
                            .tls = tls_,
                            .named_by_server = true,
                            .retries = kRetries};
  if (!account.token.empty()) {
    request.headers.push_back({.name = "X-Auth-Token", .value = account.token.reveal(), .secret = true});
  }
  client_.download(request, version, sink, op);
}

SwiftStore::Account SwiftStore::account_of(const StoreLocation& location, const OpContext& op) {
  if (location.user.empty()) return own_account(location, op);
  return is_version_1(location.url) ? version_1_account(location, op) : keystone_account(location, op);
}

// The location is the account's URL. It was written by whoever made the image: a store that our catalog doesn't know
// gets no token of ours.
SwiftStore::Account SwiftStore::own_account(const StoreLocation& location, const OpContext& op) {
  Account account{.url = location.url, .token = {}};
  if (identity_ == nullptr) return account;
  const auto token = identity_->token(op);
  const auto& endpoints = token->catalog.endpoints();
  const bool is_known = std::ranges::any_of(endpoints, [&](const keystone::Catalog::Endpoint& endpoint) {
    return endpoint.service_type == "object-store" && same_server(endpoint.url, location.url);
  });
  if (is_known) account.token = op.transfers().token.empty() ? token->id : op.transfers().token;
  return account;
}

// OpenStack Swift, "Auth System", version 1: X-Auth-User and X-Auth-Key for X-Storage-Url and X-Auth-Token.
SwiftStore::Account SwiftStore::version_1_account(const StoreLocation& location, const OpContext& op) {
  const http::ApiResponse answer =
      client_.call({.request = {.urls = {location.url},
                                .headers = {{.name = "X-Auth-User", .value = location.user, .secret = true},
                                            {.name = "X-Auth-Key", .value = location.key.reveal(), .secret = true}},
                                .tls = tls_,
                                .named_by_server = true,
                                .retries = kRetries}},
                   op);
  Account account{.url = answer.head.header("x-storage-url"), .token = Secret(answer.head.header("x-auth-token"))};
  if (answer.head.status / 100 != 2 || account.url.empty() || account.token.empty()) {
    throw Error(answer.head.status / 100 == 4 ? ErrorCode::source_unauthorized : ErrorCode::source_unavailable,
                fmt::format("the store at {} lets user {} not in: status {}", quote(redact_url(location.url)),
                            quote(location.user), answer.head.status))
        .set_hint("look at the image's locations: who has the account, and whether its key still holds");
  }
  return account;
}

// Its driver has "project:user" in the location; both are of the default domain.
SwiftStore::Account SwiftStore::keystone_account(const StoreLocation& location, const OpContext& op) {
  keystone::AuthOptions options;
  const std::size_t colon = location.user.find(':');
  options.origin = "the image's location";
  options.named_by_server = true;
  options.retries = kRetries;
  options.auth_url = location.url;
  options.username = colon == std::string::npos ? location.user : location.user.substr(colon + 1);
  options.project_name = location.user.substr(0, colon);
  options.password = location.key;
  options.default_domain_id = "default";
  options.cafile = tls_.authorities;
  const auto token = keystone::Identity(client_, std::move(options)).token(op);
  try {
    return {.url = token->catalog.url_of({.service_type = "object-store", .interfaces = {"public", "internal"}}),
            .token = token->id};
  } catch (const Error&) {
    // Which describes the catalog, in the words of a Keystone that nobody of ours chose: it knows the key.
    throw Error(ErrorCode::source_unavailable,
                "Keystone at " + quote(redact_url(location.url)) + " knows no object store for the location's user")
        .set_hint("look at the image's locations: whose catalog has the store, and what its region is");
  }
}

}  // namespace basecache::registry
