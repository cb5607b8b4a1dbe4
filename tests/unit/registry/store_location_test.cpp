#include "backends/registry/store_location.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/base/error.hpp"

namespace basecache::registry {
namespace {

struct Row {
  std::string location, user, key, url, container, object;
};

void check(const StoreLocation& found, const Row& row) {
  CAPTURE(row.location);
  CHECK(found.user == row.user);
  CHECK(found.key.reveal() == row.key);
  CHECK(found.url == row.url);
  CHECK(found.container == row.container);
  CHECK(found.object == row.object);
}

TEST_CASE("locations of S3 are read as Glance's driver writes them") {
  const std::vector<Row> rows{
      {"s3://AK:SK@s3.amazonaws.com/bucket/id", "AK", "SK", "http://s3.amazonaws.com", "bucket", "id"},
      {"s3+https://AK:se/cr/et@host:7480/b/k", "AK", "se/cr/et", "https://host:7480", "b", "k"},
      {"s3+http://host/prefix/b/k", "", "", "http://host/prefix", "b", "k"},
  };
  for (const Row& row : rows) check(parse_s3(row.location), row);
}

TEST_CASE("locations of Swift are read as Glance's driver writes them") {
  const std::vector<Row> rows{
      {"swift://account:user:key@auth.example/v1.0/images/id", "account:user", "key", "https://auth.example/v1.0",
       "images", "id"},
      {"swift+http://user:k%2Fey%40@auth.example:5000/v3/images/id", "user", "k/ey@", "http://auth.example:5000/v3",
       "images", "id"},
      {"swift+https://store.example/v1/AUTH_1/images/id", "", "", "https://store.example/v1/AUTH_1", "images", "id"},
  };
  for (const Row& row : rows) check(parse_swift(row.location), row);
}

TEST_CASE("what isn't a location of a store is refused, and no secret told") {
  for (const std::string location :
       {"s3://", "s3://AK:SECRET@host", "s3://AK:SECRET@host/bucket", "s3://SECRET@host/b/k", "s3://:SECRET@host/b/k",
        "s3://AK:SECRET@/b/k", "s3://AK:SEC/RET@host//", "s3://AK:SEC?R#ET@host/"}) {
    CAPTURE(location);
    try {
      (void)parse_s3(location);
      FAIL("it was taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::source_unavailable);
      CHECK(error.message().find("SEC") == std::string::npos);
    }
  }
}

TEST_CASE("the way to a location is told by its scheme") {
  CHECK(way_of(scheme_of("FILE:///var/lib/glance/images/1")) == LocationWay::file);
  CHECK(way_of(scheme_of("https://store/1")) == LocationWay::http);
  CHECK(way_of(scheme_of("swift+https://store/1")) == LocationWay::swift);
  CHECK(way_of(scheme_of("s3+http://store/1")) == LocationWay::s3);
  for (const std::string other : {"rbd://fsid/images/1/snap", "cinder://1", "swift+config://ref/c/o", "nonsense", ""}) {
    CHECK(way_of(scheme_of(other)) == LocationWay::none);
  }
}

TEST_CASE("Amazon's hosts tell their region") {
  CHECK(region_of("https://s3.eu-west-1.amazonaws.com", "x") == "eu-west-1");
  CHECK(region_of("https://s3-eu-west-1.amazonaws.com", "x") == "eu-west-1");
  CHECK(region_of("https://s3.amazonaws.com", "x") == "us-east-1");
  CHECK(region_of("https://s3.dualstack.eu-west-1.amazonaws.com", "x") == "eu-west-1");
  CHECK(region_of("https://bucket.s3.eu-west-1.amazonaws.com", "x") == "eu-west-1");
  CHECK(region_of("https://bucket.s3.amazonaws.com", "x") == "us-east-1");
  CHECK(region_of("https://ceph.example", "x") == "x");
}

}  // namespace
}  // namespace basecache::registry
