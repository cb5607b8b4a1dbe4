#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace basecache::keystone {

// Which endpoint of which service is wanted.
struct EndpointWish {
  std::string service_type = "image";
  std::string service_name = {};                                 // "": any of that type
  std::vector<std::string> interfaces = {"internal", "public"};  // best first; "publicURL" is "public"
  std::string region = {};                                       // "": any
};

// The services of a cloud, as Keystone lists them beside a token.
class Catalog {
 public:
  struct Endpoint {
    std::string service_type;
    std::string service_name;  // "" where the catalog gives none: that matches every name
    std::string interface;     // "public", "internal", "admin"
    std::string region;
    std::string url;  // without a final slash

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
  };

  Catalog() = default;
  explicit Catalog(std::vector<Endpoint> endpoints) : endpoints_(std::move(endpoints)) {}

  // The first endpoint of the best interface that has one, without a final slash. Error(source_unavailable) naming what
  // there is instead.
  const std::string& url_of(const EndpointWish& wish) const;

  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

 private:
  std::vector<Endpoint> endpoints_;
};

// The "catalog" of a token (Identity API v3). Entries without what they could be found or used by are left out. Throws
// nlohmann::json::exception for what isn't a list.
Catalog catalog_from(const nlohmann::json& services);

}  // namespace basecache::keystone
