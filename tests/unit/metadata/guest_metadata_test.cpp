#include "agent/metadata/guest_metadata.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/model/base64.hpp"

using namespace basecache::metadata;
using basecache::model::base64_decode;
using basecache::model::base64_encode;
using basecache::model::InstanceSpec;
using nlohmann::json;

namespace {

const std::string kUuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";
const std::string kSeed(512, 's');

using Tree = std::map<std::string, std::string>;  // path -> contents

InstanceSpec spec_of(const json& more = json::object()) {
  json request = {{"uuid", kUuid}};
  request.update(more);
  return InstanceSpec::make(request);
}

Tree tree_of(const json& more = json::object()) {
  Tree tree;
  for (const DriveFile& file : guest_metadata(spec_of(more), kSeed)) {
    CAPTURE(file.path);
    CHECK(tree.emplace(file.path, file.contents).second);
  }
  return tree;
}

json meta_data_of(const json& more, const std::string& version = "latest") {
  return json::parse(tree_of(more).at("openstack/" + version + "/meta_data.json"));
}

std::set<std::string> files_in(const Tree& tree, const std::string& path) {
  std::set<std::string> names;
  for (const auto& [file, contents] : tree) {
    if (file.starts_with(path + "/")) names.insert(file.substr(path.size() + 1));
  }
  return names;
}

}  // namespace

TEST_CASE("each version of the OpenStack tree has the files that Nova gave it") {
  const Tree tree = tree_of({{"user_data", base64_encode("#!/bin/sh\n")}});
  const std::set<std::string> essex{"meta_data.json", "user_data"};
  const std::set<std::string> havana{"meta_data.json", "user_data", "vendor_data.json"};
  const std::set<std::string> liberty{"meta_data.json", "network_data.json", "user_data", "vendor_data.json"};
  std::set<std::string> newton = liberty;
  newton.insert("vendor_data2.json");
  const std::pair<const char*, const std::set<std::string>&> rows[] = {
      {"2012-08-10", essex},   {"2013-04-04", essex},  {"2013-10-17", havana}, {"2015-10-15", liberty},
      {"2016-06-30", liberty}, {"2016-10-06", newton}, {"2017-02-22", newton}, {"2018-08-27", newton},
      {"2020-10-14", newton},  {"latest", newton},
  };
  std::size_t files = 0;
  for (const auto& row : rows) {
    const auto& version = row.first;
    const auto& names = row.second;
    CAPTURE(version);
    CHECK(files_in(tree, std::string("openstack/") + version) == names);
    files += names.size();
  }
  const std::set<std::string> ec2{"meta-data.json", "user-data"};
  CHECK(files_in(tree, "ec2/2009-04-04") == ec2);
  CHECK(files_in(tree, "ec2/latest") == ec2);
  CHECK(tree.size() == files + 2 * ec2.size());
}

TEST_CASE("without user data there is no file of it anywhere") {
  for (const auto& row : tree_of()) {
    const auto& path = row.first;
    CAPTURE(path);
    CHECK(path.find("user") == std::string::npos);
  }
}

TEST_CASE("user data reaches the guest byte by byte") {
  const std::string bytes("\0\xff\r\nnot UTF-8 \xc3", 16);
  const Tree tree = tree_of({{"user_data", base64_encode(bytes)}});
  CHECK(tree.at("openstack/latest/user_data") == bytes);
  CHECK(tree.at("openstack/2012-08-10/user_data") == bytes);
  CHECK(tree.at("ec2/latest/user-data") == bytes);
  CHECK(tree.at("ec2/2009-04-04/user-data") == bytes);
}

TEST_CASE("meta_data.json has the fields that its version had") {
  const std::set<std::string> first{"availability_zone", "hostname", "launch_index", "name", "uuid"};
  const std::pair<const char*, std::vector<const char*>> rows[] = {
      {"2012-08-10", {}},
      {"2013-04-04", {"random_seed"}},
      {"2013-10-17", {"random_seed"}},
      {"2015-10-15", {"random_seed", "project_id"}},
      {"2016-06-30", {"random_seed", "project_id", "devices"}},
      {"2016-10-06", {"random_seed", "project_id", "devices"}},
      {"2018-08-27", {"random_seed", "project_id", "devices"}},
      {"2020-10-14", {"random_seed", "project_id", "devices", "dedicated_cpus"}},
      {"latest", {"random_seed", "project_id", "devices", "dedicated_cpus"}},
  };
  for (const auto& row : rows) {
    const auto& version = row.first;
    const auto& more = row.second;
    CAPTURE(version);
    std::set<std::string> expected = first;
    expected.insert(more.begin(), more.end());
    std::set<std::string> found;
    const json meta = meta_data_of(json::object(), version);
    for (const auto& [field, value] : meta.items()) found.insert(field);
    CHECK(found == expected);
  }
}

TEST_CASE("meta_data.json says what the request said") {
  const json meta = meta_data_of({{"name", "Web 1"},
                                  {"availability_zone", "az1"},
                                  {"project_id", "p1"},
                                  {"metadata", {{"role", "web"}}},
                                  {"admin_pass", "secret"},
                                  {"key_name", "mine"},
                                  {"key_data", "ssh-ed25519 AAAA me"}});
  CHECK(meta.at("uuid") == kUuid);
  CHECK(meta.at("name") == "Web 1");
  CHECK(meta.at("hostname") == "web-1.novalocal");
  CHECK(meta.at("launch_index") == 0);
  CHECK(meta.at("availability_zone") == "az1");
  CHECK(meta.at("project_id") == "p1");
  CHECK(meta.at("meta") == json{{"role", "web"}});
  CHECK(meta.at("admin_pass") == "secret");
  CHECK(meta.at("public_keys") == json{{"mine", "ssh-ed25519 AAAA me"}});
  CHECK(meta.at("keys") == json::parse(R"([{"name":"mine","type":"ssh","data":"ssh-ed25519 AAAA me"}])"));
  CHECK(base64_decode(meta.at("random_seed").get<std::string>()) == kSeed);
  CHECK(meta.at("devices") == json::array());
  CHECK(meta.at("dedicated_cpus") == json::array());
}

TEST_CASE("what the request doesn't say is null or left out") {
  const json meta = meta_data_of(json::object());
  CHECK(meta.at("availability_zone").is_null());
  CHECK(meta.at("project_id").is_null());
  CHECK(meta.at("name") == "Server " + kUuid);
  for (const char* field : {"meta", "files", "admin_pass", "public_keys", "keys"}) {
    CAPTURE(field);
    CHECK_FALSE(meta.contains(field));
  }
}

TEST_CASE("the password and the key are in every version") {
  const Tree tree = tree_of({{"admin_pass", "secret"}, {"key_data", "ssh-rsa A"}});
  for (const auto& row : tree) {
    const auto& path = row.first;
    const auto& contents = row.second;
    if (!path.ends_with("/meta_data.json")) continue;
    CAPTURE(path);
    CHECK(json::parse(contents).at("admin_pass") == "secret");
    CHECK(json::parse(contents).at("public_keys") == json{{"default", "ssh-rsa A"}});  // a key without a name
  }
}

TEST_CASE("injected files are numbered, and listed in every version") {
  const Tree tree = tree_of(
      {{"injected_files",
        {{{"path", "/etc/motd"}, {"contents", base64_encode("hello")}}, {{"path", "/etc/empty"}, {"contents", ""}}}}});
  CHECK(files_in(tree, "openstack/content") == std::set<std::string>{"0000", "0001"});
  CHECK(tree.at("openstack/content/0000") == "hello");
  CHECK(tree.at("openstack/content/0001").empty());
  const json listed = json::parse(
      R"([{"path":"/etc/motd","content_path":"/content/0000"},{"path":"/etc/empty","content_path":"/content/0001"}])");
  for (const char* version : {"2012-08-10", "latest"}) {
    CAPTURE(version);
    CHECK(json::parse(tree.at(std::string("openstack/") + version + "/meta_data.json")).at("files") == listed);
  }
}

TEST_CASE("network_data.json is what the caller gave, else made of the ports, else empty") {
  const json given = {{"links", {{{"id", "eth0"}}}}, {"networks", json::array()}, {"services", json::array()}};
  const json ports = json::parse(R"([{"id": "p1", "network": {"subnets": [{"cidr": "10.0.0.0/24"}]}}])");
  const auto told = [](const json& more) {
    return json::parse(tree_of(more).at("openstack/2015-10-15/network_data.json"));
  };
  CHECK(told({{"network_data", given}, {"network_info", ports}}) == given);
  CHECK(told({{"network_info", ports}}).at("links").at(0).at("vif_id") == "p1");
  CHECK(told(json::object()) == json::object());
}

TEST_CASE("a network file is the first of the contents") {
  const json ports = json::parse(R"([{"id": "p1", "address": "fa:16:3e:00:00:01", "network":
    {"meta": {"injected": true}, "subnets": [{"cidr": "10.0.0.0/24", "ips": [{"address": "10.0.0.5"}]}]}}])");
  const Tree tree = tree_of({{"network_info", ports}, {"injected_files", {{{"path", "/etc/motd"}, {"contents", ""}}}}});
  CHECK(tree.at("openstack/content/0000").find("address 10.0.0.5\n") != std::string::npos);
  CHECK(tree.at("openstack/content/0001").empty());
  for (const char* version : {"2012-08-10", "latest"}) {
    const json meta = json::parse(tree.at(std::string("openstack/") + version + "/meta_data.json"));
    CHECK(meta.at("network_config") == json::parse(R"({"name": "network_config", "content_path": "/content/0000"})"));
    CHECK(meta.at("files") == json::parse(R"([{"path": "/etc/motd", "content_path": "/content/0001"}])"));
  }
}

TEST_CASE("vendor data is what the caller gave, else empty") {
  const Tree none = tree_of();
  CHECK(none.at("openstack/2013-10-17/vendor_data.json") == "{}");
  CHECK(json::parse(none.at("openstack/latest/vendor_data2.json")) == json::parse(R"({"static":{}})"));
  const json vendor = {{"cloud-init", "#cloud-config\n"}, {"n", 1}};
  const Tree first = tree_of({{"vendor_data", vendor}});
  CHECK(json::parse(first.at("openstack/latest/vendor_data.json")) == vendor);
  CHECK(json::parse(first.at("openstack/latest/vendor_data2.json")) == json{{"static", vendor}});
  const Tree both = tree_of({{"vendor_data", vendor}, {"vendor_data2", {{"service", vendor}}}});
  CHECK(json::parse(both.at("openstack/latest/vendor_data.json")) == vendor);
  CHECK(json::parse(both.at("openstack/latest/vendor_data2.json")) == json{{"service", vendor}});
}

TEST_CASE("the rest of the request is told too") {
  const json meta =
      meta_data_of(json::parse(R"({"key_type": "x509", "key_name": "k", "key_data": "c", "launch_index": 2,
    "dedicated_cpus": [7, 2, 7], "device_metadata": {"devices": [{"type": "disk", "tags": ["t"]}]}})"));
  CHECK(meta.at("keys") == json::parse(R"([{"name": "k", "type": "x509", "data": "c"}])"));
  CHECK(meta.at("launch_index") == 2);
  CHECK(meta.at("dedicated_cpus") == json::array({2, 7}));
  CHECK(meta.at("devices").at(0).at("tags") == json::array({"t"}));
}

TEST_CASE("JSON is ASCII, and a text that isn't UTF-8 is no reason to fail") {
  CHECK(tree_of({{"name", "w\u00e4b \u4e2d"}}).at("openstack/latest/meta_data.json").find("w\\u00e4b \\u4e2d") !=
        std::string::npos);
  InstanceSpec spec = spec_of();
  spec.name = "w\xff";
  spec.metadata = {{"\xfe", "\xc3"}};
  for (const DriveFile& file : guest_metadata(spec, kSeed)) {
    CAPTURE(file.path);
    CHECK_NOTHROW(CHECK(json::parse(file.contents).is_object()));
  }
}

TEST_CASE("the same request and seed give the same bytes") {
  const json request = {{"name", "web"}, {"metadata", {{"b", "2"}, {"a", "1"}}}};
  CHECK(tree_of(request) == tree_of(request));
}

TEST_CASE("no path leads out of the drive") {
  const Tree tree = tree_of({{"injected_files", {{{"path", "/../../etc/passwd"}, {"contents", ""}}}}});
  for (const auto& row : tree) {
    const auto& path = row.first;
    CAPTURE(path);
    CHECK_FALSE(path.starts_with('/'));
    CHECK(path.find("..") == std::string::npos);
  }
}
