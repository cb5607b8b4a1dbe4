#include "backends/keystone/catalog.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/keystone/without_final_slashes.hpp"

namespace basecache::keystone {
namespace {

using nlohmann::json;

bool is_service(const Catalog::Endpoint& endpoint, const EndpointWish& wish) {
  if (endpoint.service_type != wish.service_type) return false;
  return wish.service_name.empty() || endpoint.service_name.empty() || endpoint.service_name == wish.service_name;
}

bool is_in_region(const Catalog::Endpoint& endpoint, const EndpointWish& wish) {
  return wish.region.empty() || endpoint.region == wish.region;
}

// The second version of the API called them "publicURL" and so on; configurations still do.
std::string_view normal_interface(std::string_view name) {
  return name.ends_with("URL") ? name.substr(0, name.size() - 3) : name;
}

std::string describe(const EndpointWish& wish) {
  std::string wanted = "endpoint of service type " + quote(wish.service_type);
  if (!wish.service_name.empty()) wanted += " and name " + quote(wish.service_name);
  if (!wish.region.empty()) wanted += " in region " + quote(wish.region);
  return fmt::format("{} with interface {}", wanted, quote(fmt::format("{}", fmt::join(wish.interfaces, ", "))));
}

// What stands nearest to the wish: the service's own endpoints, else the services there are.
std::string describe_what_is_there(const std::vector<Catalog::Endpoint>& endpoints, const EndpointWish& wish) {
  if (endpoints.empty()) return "it is empty";
  std::set<std::string> own;
  std::set<std::string> types;
  for (const Catalog::Endpoint& endpoint : endpoints) {
    types.insert(endpoint.service_type);
    if (endpoint.service_type != wish.service_type) continue;
    own.insert(fmt::format("name '{}' region '{}' interface '{}'", endpoint.service_name, endpoint.region,
                           endpoint.interface));
  }
  constexpr std::size_t kShown = 1000;
  if (!own.empty()) return "of that type it has " + quote(fmt::format("{}", fmt::join(own, "; ")), kShown);
  return "it has " + quote(fmt::format("{}", fmt::join(types, ", ")), kShown);
}

Error not_there(const std::vector<Catalog::Endpoint>& endpoints, const EndpointWish& wish) {
  Error error(ErrorCode::source_unavailable,
              fmt::format("Keystone's catalog has no {}: {}", describe(wish), describe_what_is_there(endpoints, wish)));
  error.set_hint(endpoints.empty() ? "name the project the token is for (project_name); without one there is no catalog"
                                   : "correct service_type, service_name, region_name or valid_interfaces, or name the "
                                     "servers themselves");
  return error;
}

// "" for what isn't there, or is no text.
std::string text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || !found->is_string() ? std::string{} : found->get<std::string>();
}

// Nothing where what an endpoint is found by is missing: entries of others' services may be incomplete.
std::optional<Catalog::Endpoint> endpoint_from(const json& service, const json& endpoint) {
  if (!endpoint.is_object()) return std::nullopt;
  std::string region = text(endpoint, "region_id");
  Catalog::Endpoint read{.service_type = text(service, "type"),
                         .service_name = text(service, "name"),
                         .interface = std::string(normal_interface(text(endpoint, "interface"))),
                         .region = region.empty() ? text(endpoint, "region") : std::move(region),
                         .url = std::string(without_final_slashes(text(endpoint, "url")))};
  const bool can_be_used = !read.service_type.empty() && !read.interface.empty() && !read.url.empty();
  return can_be_used ? std::optional(std::move(read)) : std::nullopt;
}

void add_endpoints(const json& service, std::vector<Catalog::Endpoint>& endpoints) {
  const auto list = service.find("endpoints");
  if (list == service.end() || !list->is_array()) return;
  for (const json& endpoint : *list) {
    if (auto read = endpoint_from(service, endpoint)) endpoints.push_back(*std::move(read));
  }
}

}  // namespace

const std::string& Catalog::url_of(const EndpointWish& wish) const {
  for (const std::string& interface : wish.interfaces) {
    const auto found = std::ranges::find_if(endpoints_, [&](const Endpoint& endpoint) {
      return is_service(endpoint, wish) && is_in_region(endpoint, wish) &&
             endpoint.interface == normal_interface(interface);
    });
    if (found != endpoints_.end()) return found->url;
  }
  throw not_there(endpoints_, wish);
}

Catalog catalog_from(const json& services) {
  std::vector<Catalog::Endpoint> endpoints;
  for (const json& service : services.get_ref<const json::array_t&>()) {
    if (service.is_object()) add_endpoints(service, endpoints);
  }
  return Catalog(std::move(endpoints));
}

}  // namespace basecache::keystone
