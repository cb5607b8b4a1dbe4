#include "backends/keystone/clouds_yaml.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/unit/keystone/credentials.hpp"

namespace basecache::keystone {
namespace {

CloudAccess access(const std::string& yaml, const std::string& cloud = "lab") {
  return access_from({"/etc/openstack/clouds.yaml", yaml}, {}, cloud);
}

Error failure(const std::string& yaml, const std::string& cloud = "lab") {
  try {
    access(yaml, cloud);
  } catch (const Error& error) {
    return error;
  }
  FAIL("the file was taken");
  return {ErrorCode::internal, ""};
}

TEST_CASE("a cloud is read with all that is known of it") {
  const CloudAccess cloud = access(R"(
clouds:
  other: {auth: {auth_url: "http://other"}}
  lab:
    auth:
      auth_url: https://lab/identity
      username: nova
      password: 12345
      project_name: service
      user_domain_name: Default
      project_domain_id: default
    region_name: RegionOne
    interface: internal
    identity_api_version: 3
    cacert: /etc/ssl/lab.pem
    cert: /etc/ssl/me.pem
    key: /etc/ssl/me.key
    image_endpoint_override: http://glance/v2
    networks: [{name: net}]
)");
  CHECK(cloud.auth.auth_type == "password");
  CHECK(cloud.auth.auth_url == "https://lab/identity");
  CHECK(cloud.auth.username == "nova");
  CHECK(cloud.auth.password.reveal() == "12345");
  CHECK(cloud.auth.project_name == "service");
  CHECK(cloud.auth.user_domain_name == "Default");
  CHECK(cloud.auth.project_domain_id == "default");
  CHECK(cloud.auth.cafile == "/etc/ssl/lab.pem");
  CHECK(cloud.auth.certfile == "/etc/ssl/me.pem");
  CHECK(cloud.auth.keyfile == "/etc/ssl/me.key");
  CHECK(cloud.auth.origin == "cloud 'lab' of '/etc/openstack/clouds.yaml'");
  CHECK(cloud.region == "RegionOne");
  CHECK(cloud.interfaces == std::vector<std::string>{"internal"});
  CHECK(cloud.image_endpoint_override == "http://glance/v2");
}

TEST_CASE("what isn't said is as for OpenStack's own command line") {
  const CloudAccess cloud = access("clouds: {lab: {auth: {auth_url: 'http://k', username: ~}}}");
  CHECK(cloud.auth.auth_type == "password");
  CHECK(cloud.auth.username.empty());
  CHECK(cloud.auth.default_domain_id == "default");
  CHECK(cloud.interfaces == std::vector<std::string>{"public"});
  CHECK(access("clouds: {lab: {auth: {token: t}}}").auth.auth_type == "token");
  CHECK(access("clouds: {lab: {auth_type: none}}").auth.auth_type == "none");
}

TEST_CASE("keys may be written with hyphens, and beside auth, where those in auth win") {
  const CloudAccess cloud = access(R"(
clouds:
  lab:
    user-domain-name: Default
    project_name: beside
    auth: {auth-url: "http://k", project_name: within, tenant_name: former}
)");
  CHECK(cloud.auth.auth_url == "http://k");
  CHECK(cloud.auth.user_domain_name == "Default");
  CHECK(cloud.auth.project_name == "within");
}

TEST_CASE("secure.yaml adds the secrets, and wins") {
  const TextFile clouds{"clouds.yaml", "clouds: {lab: {auth: {username: nova, password: old}}}"};
  const TextFile secure{"secure.yaml", "clouds: {lab: {auth: {password: new}}, unknown: {}}"};
  const CloudAccess cloud = access_from(clouds, secure, "lab");
  CHECK(cloud.auth.username == "nova");
  CHECK(cloud.auth.password.reveal() == "new");
  CHECK(access_from(clouds, TextFile{"secure.yaml", ""}, "lab").auth.password.reveal() == "old");
}

TEST_CASE("a cloud that isn't there is named, and the one that may be meant") {
  const Error error = failure("clouds: {lab: {}, production: {}}", "produktion");
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(error.message() == "there is no cloud 'produktion' in '/etc/openstack/clouds.yaml'");
  CHECK(error.hint() == "did you mean 'production'?");
  CHECK(contains(failure("").message(), "there is no cloud 'lab'"));
}

TEST_CASE("a merge key brings the settings of other mappings, and what stands beside it wins") {
  const CloudAccess cloud = access(R"(
keystone: &keystone {auth_url: "http://k", username: keystone, project_name: keystone}
who: &who {<<: *keystone, username: nova, password: p}
shared: &shared
  region_name: One
  interface: internal
  auth: *who
clouds:
  lab:
    <<: *shared
    region_name: Two
    interface: ~
)");
  CHECK(cloud.auth.auth_url == "http://k");
  CHECK(cloud.auth.username == "nova");
  CHECK(cloud.auth.password.reveal() == "p");
  CHECK(cloud.auth.project_name == "keystone");
  CHECK(cloud.region == "Two");
  CHECK(cloud.interfaces == std::vector<std::string>{"public"});
}

TEST_CASE("of a list of mappings that are merged the first one wins") {
  const CloudAccess cloud = access(R"(
one: &one {username: one}
two: &two {username: two, password: two}
clouds: {lab: {auth: {<<: [*one, *two], auth_url: "http://k"}}}
)");
  CHECK(cloud.auth.auth_url == "http://k");
  CHECK(cloud.auth.username == "one");
  CHECK(cloud.auth.password.reveal() == "two");
}

TEST_CASE("merge keys without an end are followed once, and quoted ones not at all") {
  CHECK(access("clouds: {lab: {auth: &a {<<: [*a, *a], username: nova}}}").auth.username == "nova");
  std::string laughs = "l0: &l0 {}\n";
  for (int i = 1; i < 40; ++i) laughs += fmt::format("l{0}: &l{0} {{<<: [*l{1}, *l{1}, *l{1}]}}\n", i, i - 1);
  CHECK(access(laughs + "clouds: {lab: {auth: {<<: *l39, username: nova}}}").auth.username == "nova");
  CHECK(access("clouds: {lab: {auth: {'<<': 5, username: nova}}}").auth.username == "nova");
}

TEST_CASE("the first of several regions counts where none is named") {
  CHECK(access("clouds: {lab: {regions: [One, Two]}}").region == "One");
  CHECK(access("clouds: {lab: {regions: [{name: One, values: {}}, Two]}}").region == "One");
  CHECK(access("clouds: {lab: {regions: [One], region_name: Two}}").region == "Two");
  CHECK(access("clouds: {lab: {regions: []}}").region.empty());
}

TEST_CASE("a vendor's profile isn't read, which is said where auth_url would come from it") {
  const Error error = failure("clouds: {lab: {profile: vexxhost, auth: {username: nova}}}");
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(contains(error.message(), "auth_url is missing in cloud 'lab' of '/etc/openstack/clouds.yaml'"));
  CHECK(contains(error.message(), "profile 'vexxhost'"));
  CHECK(contains(error.hint(), "auth_url"));
  CHECK(access("clouds: {lab: {profile: vexxhost, auth: {auth_url: 'http://k'}}}").auth.auth_url == "http://k");
  CHECK(access("clouds: {lab: {profile: vexxhost, auth_type: none}}").auth.auth_type == "none");
}

TEST_CASE("what is wrong with a file is told by its line, without its content") {
  struct Row {
    std::string yaml;
    std::string where;
  };
  const std::string start = "clouds:\n  lab:\n    auth:\n";
  const Row rows[] = {
      {start + "      password: " + kCanary + ": x\n", "line 4: it isn't YAML"},
      {start + "      password: [" + kCanary + "]\n", "line 4: password isn't a text"},
      {start + "      password: *" + kCanary + "\n", "line 4: it isn't YAML"},
      {"clouds:\n  lab:\n    auth: " + kCanary + "\n", "line 3: there is no mapping"},
      {"clouds:\n  - " + kCanary + "\n", "line 2: there is no mapping"},
      {"clouds: {lab: {}}\n" + kCanary + ": }\n", "line 2: it isn't YAML"},
      {start + "      <<: " + kCanary + "\n", "line 4: what is merged isn't a mapping or a list of them"},
      {start + "      <<: [{}, " + kCanary + "]\n", "line 4: what is merged isn't a mapping or a list of them"},
      {"clouds:\n  lab:\n    regions: " + kCanary + "\n", "line 3: regions isn't a list of names"},
      {"clouds:\n  lab:\n    regions: [[" + kCanary + "]]\n", "line 3: regions isn't a list of names"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.yaml);
    const Error error = failure(row.yaml);
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(contains(error.message(), "cannot read '/etc/openstack/clouds.yaml', " + row.where));
    CHECK_FALSE(contains(error.message() + error.hint(), kCanary));
  }
}

TEST_CASE("the second version of Keystone is refused") {
  CHECK(contains(failure("clouds: {lab: {identity_api_version: '2.0'}}").message(), "identity_api_version is 2"));
}

}  // namespace
}  // namespace basecache::keystone
