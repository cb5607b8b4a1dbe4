#include "agent/layout/cache_layout.hpp"

#include <doctest/doctest.h>

using namespace basecache;
using namespace basecache::layout;

TEST_CASE("every path stands where Nova and this project expect it") {
  const layout::CacheLayout layout("/var/lib/nova/instances");
  const auto key = model::CacheKey::for_swap(256);
  const std::string uuid = "9a2d629d-0000-4000-8000-000000000001";
  CHECK(layout.base_file(key) == "/var/lib/nova/instances/_base/swap_256");
  CHECK(layout.fetched(key) == "/var/lib/nova/instances/_base/swap_256.part");
  CHECK(layout.converted(key) == "/var/lib/nova/instances/_base/swap_256.converted");
  CHECK(layout.lock_file(key) == "/var/lib/nova/instances/locks/nova-swap_256");
  CHECK(layout.record(key) == "/var/lib/nova/instances/_base/.basecache/records/swap_256.json");
  CHECK(layout.transfer_journal(key) == "/var/lib/nova/instances/_base/.basecache/transfers/swap_256.json");
  CHECK(layout.pin(key) == "/var/lib/nova/instances/_base/.basecache/pins/swap_256");
  CHECK(layout.instance_directory(uuid) == "/var/lib/nova/instances/" + uuid);
  CHECK(layout.staged_instance_directory(uuid) == "/var/lib/nova/instances/." + uuid + ".part");
  CHECK(layout.instance_lock(uuid) == "/var/lib/nova/instances/_base/.basecache/locks/" + uuid);
  CHECK(layout.domain_lease(uuid) == "/var/lib/nova/instances/_base/.basecache/domains/" + uuid + ".json");
  CHECK(layout::CacheLayout("/i", "images").base_directory() == "/i/images");
}

TEST_CASE("staged names are recognised and nothing else is") {
  const std::string sha1(40, 'a');
  CHECK(layout::staged_file_key(sha1 + ".part")->text() == sha1);
  CHECK(layout::staged_file_key(sha1 + ".converted")->text() == sha1);
  CHECK(layout::staged_file_key("ephemeral_1_40d1d2c.part"));
  for (const std::string& other :
       {sha1, sha1 + ".parts", std::string(".part"), std::string("notes.part"), sha1 + ".part.part"}) {
    CAPTURE(other);
    CHECK_FALSE(layout::staged_file_key(other));
  }
  CHECK(layout::staged_instance_uuid(".9a2d629d-0000-4000-8000-000000000001.part") ==
        "9a2d629d-0000-4000-8000-000000000001");
  for (const char* other :
       {"9a2d629d-0000-4000-8000-000000000001.part", ".9a2d629d-0000-4000-8000-000000000001", "..part", ".x.part"}) {
    CAPTURE(other);
    CHECK_FALSE(layout::staged_instance_uuid(other));
  }
}
