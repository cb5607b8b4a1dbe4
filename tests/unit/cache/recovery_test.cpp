#include "agent/cache/recovery.hpp"

#include <doctest/doctest.h>

#include "agent/base/file_lock.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/cache/pins.hpp"
#include "agent/cache/unfitness.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

struct Place {
  Place() { layout::prepare_directories(layout); }
  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  model::CacheKey key = model::CacheKey::for_image("an image");
};

const std::string kUuid = "9a2d629d-0000-4000-8000-000000000001";

}  // namespace

TEST_CASE("orphaned staged files and staged instances go, everything else stays") {
  Place p;
  write_file(p.layout.fetched(p.key), "half");
  write_file(p.layout.converted(p.key), "half");
  write_file(p.layout.base_file(p.key), "whole");
  write_file(p.layout.base_directory() / "notes.part", "not ours");
  make_directories(p.layout.staged_instance_directory(kUuid));
  write_file(p.layout.staged_instance_directory(kUuid) / "disk", "half");
  make_directories(p.layout.instance_directory(kUuid));
  CHECK(cache::recover(p.layout).size() == 3);
  CHECK(names_in(p.layout.base_directory()) == std::vector<std::string>{".basecache", p.key.text(), "notes.part"});
  CHECK(names_in(p.layout.instances_path()) == std::vector<std::string>{kUuid, "_base", "locks"});
  CHECK(cache::recover(p.layout).empty());
}

TEST_CASE("what a live request is making stays") {
  Place p;
  write_file(p.layout.fetched(p.key), "half");
  make_directories(p.layout.staged_instance_directory(kUuid));
  FileLock base_lock(p.layout.lock_file(p.key));
  FileLock instance_lock(p.layout.instance_lock(kUuid));
  const ExclusiveLock building(base_lock);
  const ExclusiveLock creating(instance_lock);
  CHECK(cache::recover(p.layout).empty());
  CHECK(boost::filesystem::exists(p.layout.fetched(p.key)));
  CHECK(boost::filesystem::exists(p.layout.staged_instance_directory(kUuid)));
}

TEST_CASE("a record without its base file goes, one with it stays") {
  Place p;
  const auto present = model::CacheKey::for_swap(1);
  write_file(p.layout.base_file(present), "swap");
  cache::write_record(p.layout, present, {.origin = "swap"}, p.layout.base_file(present));
  cache::write_record(p.layout, p.key, {.origin = "gone"}, p.layout.base_file(p.key));
  CHECK(cache::recover(p.layout) == std::vector<Path>{p.layout.record(p.key)});
  CHECK(cache::read_record(p.layout, present));
}

TEST_CASE("a mark of being unfit without its base file goes, one with it stays") {
  Place p;
  const auto present = model::CacheKey::for_swap(1);
  write_file(p.layout.base_file(present), "swap");
  cache::write_unfitness(p.layout, present, {.reason = "rotten"});
  cache::write_unfitness(p.layout, p.key, {.reason = "gone"});
  CHECK(cache::recover(p.layout) == std::vector<Path>{p.layout.unfit(p.key)});
  CHECK(cache::read_unfitness(p.layout, present) == "rotten");
}

TEST_CASE("a damaged record reads as none") {
  Place p;
  for (const char* text : {"", "{", "[]", "{\"origin\":1}", "{\"origin\":\"x\",\"format\":\"odd\"}"}) {
    CAPTURE(text);
    write_file(p.layout.record(p.key), text);
    CHECK_FALSE(cache::read_record(p.layout, p.key));
  }
}

TEST_CASE("pins are kept with their reason until they are taken off") {
  Place p;
  cache::Pins pins(p.layout);
  CHECK_FALSE(pins.reason(p.key));
  pins.pin(p.key, "golden image");
  CHECK(pins.reason(p.key) == "golden image");
  CHECK(pins.unpin(p.key));
  CHECK_FALSE(pins.unpin(p.key));
  CHECK_FALSE(pins.reason(p.key));
}
