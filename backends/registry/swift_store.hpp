#pragma once

#include <string>

#include "agent/fetch/image_source.hpp"
#include "backends/http/http_client.hpp"
#include "backends/keystone/identity.hpp"
#include "backends/registry/store_location.hpp"

namespace basecache::registry {

// Objects in Swift, or in what speaks its protocol (Ceph's gateway). With credentials in the location: Swift's own
// authentication (version 1) or Keystone's; without: the requester's token or ours, which only a store of our own
// catalog gets to see.
class SwiftStore {
 public:
  // Both must outlive this. `identity`: ours, null when we have none.
  SwiftStore(http::HttpClient& client, keystone::Identity* identity, http::TlsFiles tls)
      : client_(client), identity_(identity), tls_(std::move(tls)) {}

  // As HttpClient::download().
  void fetch(const StoreLocation& location, const std::string& version, fetch::ImageSink& sink, const OpContext& op);

 private:
  // Where the account's containers are, and what opens them.
  struct Account {
    std::string url;
    Secret token;
  };
  Account account_of(const StoreLocation& location, const OpContext& op);
  Account own_account(const StoreLocation& location, const OpContext& op);
  Account version_1_account(const StoreLocation& location, const OpContext& op);
  Account keystone_account(const StoreLocation& location, const OpContext& op);

  http::HttpClient& client_;
  keystone::Identity* identity_;
  const http::TlsFiles tls_;
};

}  // namespace basecache::registry
