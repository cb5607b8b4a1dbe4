#include "backends/keystone/catalog.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/unit/keystone/credentials.hpp"

namespace basecache::keystone {
namespace {

using nlohmann::json;

const Catalog kCatalog({{"identity", "keystone", "public", "One", "http://k"},
                        {"image", "glance", "public", "One", "http://one-public"},
                        {"image", "glance", "internal", "One", "http://one-internal"},
                        {"image", "glance", "public", "Two", "http://two-public"},
                        {"image", "archive", "public", "One", "http://archive"},
                        {"volume", "", "admin", "One", "http://volume"}});

Error failure(const EndpointWish& wish, const Catalog& catalog = kCatalog) {
  try {
    catalog.url_of(wish);
  } catch (const Error& error) {
    return error;
  }
  FAIL("there is such an endpoint");
  return {ErrorCode::internal, ""};
}

TEST_CASE("an endpoint is found by type, name, region, and the best interface there is") {
  struct Row {
    EndpointWish wish;
    std::string url;
  };
  const Row rows[] = {
      {{}, "http://one-internal"},
      {{.interfaces = {"public", "internal"}}, "http://one-public"},
      {{.interfaces = {"admin", "publicURL"}}, "http://one-public"},
      {{.region = "Two"}, "http://two-public"},
      {{.service_name = "archive"}, "http://archive"},
      {{.service_type = "identity"}, "http://k"},
      {{.service_type = "volume", .service_name = "cinder", .interfaces = {"admin"}}, "http://volume"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    CHECK(kCatalog.url_of(row.wish) == row.url);
  }
}

TEST_CASE("what isn't in the catalog is named beside what is") {
  const Error no_region = failure({.region = "Three"});
  CHECK(no_region.code() == ErrorCode::source_unavailable);
  CHECK(contains(no_region.message(), "service type 'image' in region 'Three' with interface 'internal, public'"));
  CHECK(contains(no_region.message(), "name 'glance' region 'Two' interface 'public'"));
  CHECK(contains(failure({.service_type = "object-store"}).message(), "it has 'identity, image, volume'"));
}

TEST_CASE("an empty catalog is a matter of the token's scope") {
  const Error error = failure({}, Catalog());
  CHECK(contains(error.message(), "it is empty"));
  CHECK(contains(error.hint(), "project_name"));
}

TEST_CASE("a catalog is read as Keystone writes it") {
  const Catalog catalog = catalog_from(json::parse(R"([
    {"type": "image", "name": "glance", "id": "s1", "endpoints": [
      {"id": "e1", "interface": "public", "region_id": "One", "region": "One", "url": "http://glance:9292/"},
      {"id": "e2", "interface": "internal", "region_id": null, "region": "Old", "url": "http://glance/image"}]},
    {"type": "volume", "endpoints": [{"interface": "adminURL", "url": "http://volume//"}]},
    {"type": "empty", "endpoints": []}])"));
  const std::vector<Catalog::Endpoint> expected = {{"image", "glance", "public", "One", "http://glance:9292"},
                                                   {"image", "glance", "internal", "Old", "http://glance/image"},
                                                   {"volume", "", "admin", "", "http://volume"}};
  CHECK(catalog.endpoints() == expected);
}

TEST_CASE("an odd entry hides no other one") {
  const Catalog catalog = catalog_from(json::parse(R"([
    5, null, {"type": "bare"}, {"type": "none", "endpoints": null}, {"type": 5, "endpoints": [{}]},
    {"type": "monitor", "name": "third party", "endpoints": [7, {}, {"url": "http://no-interface"},
      {"interface": "public", "url": null}, {"interface": "public"}, {"interface": "public", "url": 1}]},
    {"endpoints": [{"interface": "public", "url": "http://no-type"}]},
    {"type": "image", "name": 5, "endpoints": [
      {"interface": "public", "region_id": 1, "region": "One", "url": "http://glance"}]}])"));
  CHECK(catalog.endpoints() == std::vector<Catalog::Endpoint>{{"image", "", "public", "One", "http://glance"}});
}

TEST_CASE("what isn't a catalog isn't read as one") {
  for (const char* text : {R"("services")", "5", "null", R"({"type": "image", "endpoints": []})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(catalog_from(json::parse(text)), json::exception);
  }
}

}  // namespace
}  // namespace basecache::keystone
