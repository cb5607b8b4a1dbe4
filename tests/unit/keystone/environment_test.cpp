#include "backends/keystone/environment.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/unit/keystone/credentials.hpp"

namespace basecache::keystone {
namespace {

using Texts = std::map<std::string, std::string>;

std::optional<std::string> look_up(const Texts& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? std::nullopt : std::optional(found->second);
}

std::optional<CloudAccess> access(const Texts& variables, const Texts& files = {}) {
  return access_from_environment([&](const std::string& name) { return look_up(variables, name); },
                                 [&](const Path& path) { return look_up(files, path.string()); });
}

// A clouds.yaml whose cloud 'lab' is known by its user.
std::string clouds_of(const std::string& user) { return "clouds: {lab: {auth: {username: " + user + "}}}"; }

TEST_CASE("nothing is set up where neither a cloud nor Keystone is named") {
  CHECK_FALSE(access({}));
  CHECK_FALSE(
      access({{"OS_USERNAME", "nova"}, {"OS_CLOUD", ""}, {"OS_AUTH_URL", ""}}, {{"./clouds.yaml", clouds_of("nova")}}));
}

TEST_CASE("variables say who we are and what is used") {
  const auto cloud = access({{"OS_AUTH_URL", "http://k:5000/v3"},
                             {"OS_USERNAME", "nova"},
                             {"OS_PASSWORD", "p"},
                             {"OS_PROJECT_NAME", "service"},
                             {"OS_PROJECT_ID", ""},
                             {"OS_USER_DOMAIN_NAME", "Default"},
                             {"OS_PROJECT_DOMAIN_ID", "default"},
                             {"OS_IDENTITY_API_VERSION", "3"},
                             {"OS_CACERT", "/ca.pem"},
                             {"OS_REGION_NAME", "One"},
                             {"OS_INTERFACE", "internal"},
                             {"OS_IMAGE_ENDPOINT_OVERRIDE", "http://glance"}});
  REQUIRE(cloud);
  CHECK(cloud->auth.auth_type == "password");
  CHECK(cloud->auth.auth_url == "http://k:5000/v3");
  CHECK(cloud->auth.username == "nova");
  CHECK(cloud->auth.password.reveal() == "p");
  CHECK(cloud->auth.project_name == "service");
  CHECK(cloud->auth.user_domain_name == "Default");
  CHECK(cloud->auth.project_domain_id == "default");
  CHECK(cloud->auth.cafile == "/ca.pem");
  CHECK(cloud->region == "One");
  CHECK(cloud->interfaces == std::vector<std::string>{"internal"});
  CHECK(cloud->image_endpoint_override == "http://glance");
}

TEST_CASE("variables may hold a token, or an application credential") {
  CHECK(access({{"OS_AUTH_URL", "http://k"}, {"OS_TOKEN", "t"}})->auth.auth_type == "token");
  const auto cloud = access({{"OS_AUTH_TYPE", "v3applicationcredential"},
                             {"OS_APPLICATION_CREDENTIAL_ID", "ac1"},
                             {"OS_APPLICATION_CREDENTIAL_SECRET", "s"}});
  REQUIRE(cloud);
  CHECK(cloud->auth.application_credential_id == "ac1");
  CHECK(cloud->auth.application_credential_secret.reveal() == "s");
}

TEST_CASE("a missing variable can be found by its message") {
  try {
    check_complete(access({{"OS_AUTH_URL", "http://k"}, {"OS_USERNAME", "nova"}})->auth);
    FAIL("the password is missing");
  } catch (const Error& error) {
    CHECK(error.hint() == "set password in the environment (OS_ and the name in capitals)");
  }
}

TEST_CASE("what couldn't be sent as it is meant is refused, and shown without secrets") {
  const Texts rows[] = {{{"OS_AUTH_URL", "http://k"}, {"OS_TOKEN", kCanary + "\r\nX: y"}},
                        {{"OS_AUTH_URL", "http://k"}, {"OS_TOKEN", kCanary + "\n"}},
                        {{"OS_AUTH_URL", "keystone:5000"}},
                        {{"OS_AUTH_URL", "user:" + kCanary + "@keystone"}},
                        {{"OS_AUTH_URL", "ftp://keystone"}}};
  for (const Texts& variables : rows) {
    CAPTURE(variables.at("OS_AUTH_URL"));
    try {
      access(variables);
      FAIL("it was taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_request);
      CHECK(contains(error.hint(), "the environment"));
      CHECK_FALSE(contains(error.message() + error.hint(), kCanary));
    }
  }
  CHECK(access({{"OS_AUTH_URL", "HTTPS://k"}})->auth.auth_url == "HTTPS://k");
}

TEST_CASE("the nearest clouds.yaml is read, and no variable besides") {
  Texts variables = {{"OS_CLOUD", "lab"}, {"OS_USERNAME", "nobody"}, {"HOME", "/home/me"}};
  Texts files = {{"/etc/openstack/clouds.yaml", clouds_of("system")}};
  CHECK(access(variables, files)->auth.username == "system");
  files["/home/me/.config/openstack/clouds.yaml"] = clouds_of("home");
  CHECK(access(variables, files)->auth.username == "home");
  variables["XDG_CONFIG_HOME"] = "/xdg";
  files["/xdg/openstack/clouds.yaml"] = clouds_of("xdg");
  CHECK(access(variables, files)->auth.username == "xdg");
  files["./clouds.yaml"] = clouds_of("here");
  CHECK(access(variables, files)->auth.username == "here");
  variables["OS_CLIENT_CONFIG_FILE"] = "/my.yaml";
  files["/my.yaml"] = clouds_of("mine");
  CHECK(access(variables, files)->auth.username == "mine");
}

TEST_CASE("secure.yaml may lie in another place than clouds.yaml") {
  const Texts files = {{"/etc/openstack/clouds.yaml", clouds_of("nova")},
                       {"/home/me/.config/openstack/secure.yaml", "clouds: {lab: {auth: {password: p}}}"}};
  const auto cloud = access({{"OS_CLOUD", "lab"}, {"HOME", "/home/me"}}, files);
  CHECK(cloud->auth.username == "nova");
  CHECK(cloud->auth.password.reveal() == "p");
}

TEST_CASE("a cloud without any clouds.yaml is an error that names the places") {
  try {
    access({{"OS_CLOUD", "lab"}});
    FAIL("there is no clouds.yaml");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message() ==
          "cannot use cloud 'lab' (OS_CLOUD): there is none of './clouds.yaml', '/etc/openstack/clouds.yaml'");
  }
}

}  // namespace
}  // namespace basecache::keystone
