#include "agent/metadata/device_list.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using namespace basecache;
using namespace basecache::metadata;
using nlohmann::json;

namespace {

json listed(const char* devices, std::string_view version) {
  const json request = {{"device_metadata", {{"devices", json::parse(devices)}}}};
  model::JsonFields fields(request, "");
  return device_list(model::read_device_metadata(fields, "device_metadata"), version);
}

}  // namespace

TEST_CASE("a nic is told of as its version had it") {
  const char* nic = R"([{"type": "nic", "bus": "pci", "address": "0000:00:02.0", "mac": "fa:16:3e:00:00:01", "vlan": 7,
                         "vf_trusted": true, "tags": ["a"]}])";
  json entry = {
      {"type", "nic"}, {"bus", "pci"}, {"address", "0000:00:02.0"}, {"mac", "fa:16:3e:00:00:01"}, {"tags", {"a"}}};
  CHECK(listed(nic, "2016-06-30") == json::array({entry}));
  CHECK(listed(nic, "2016-10-06") == json::array({entry}));
  entry["vlan"] = 7;
  CHECK(listed(nic, "2017-02-22") == json::array({entry}));
  entry["vf_trusted"] = true;
  CHECK(listed(nic, "2018-08-27") == json::array({entry}));
  CHECK(listed(nic, "latest") == json::array({entry}));
}

TEST_CASE("a nic without a tag is told of where there is more to tell than that it is there") {
  const char* bare = R"([{"type": "nic", "mac": "fa:16:3e:00:00:01"}])";
  const char* tagged_vlan = R"([{"type": "nic", "mac": "fa:16:3e:00:00:01", "vlan": 7}])";
  CHECK(listed(bare, "2017-02-22") == json::array());
  CHECK(listed(bare, "2018-08-27") == json::parse(R"([{"type": "nic", "mac": "fa:16:3e:00:00:01", "bus": "none",
                                                       "address": "none", "vf_trusted": false}])"));
  CHECK(listed(tagged_vlan, "2016-10-06") == json::array());
  CHECK(listed(tagged_vlan, "2017-02-22") ==
        json::parse(R"([{"type": "nic", "mac": "fa:16:3e:00:00:01", "bus": "none", "address": "none", "vlan": 7}])"));
}

TEST_CASE("a disk is told of with what is known of it") {
  CHECK(listed(R"([{"type": "disk"}])", "2016-06-30") ==
        json::parse(R"([{"type": "disk", "bus": "none", "address": "none"}])"));
  CHECK(listed(R"([{"type": "disk", "bus": "ide", "address": "0:1", "serial": "s", "path": "/dev/hdb", "tags": []}])",
               "latest") == json::parse(R"([{"type": "disk", "bus": "ide", "address": "0:1", "serial": "s",
                                             "path": "/dev/hdb", "tags": []}])"));
}
