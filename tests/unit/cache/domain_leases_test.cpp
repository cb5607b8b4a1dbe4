#include "agent/cache/domain_leases.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <ctime>
#include <set>
#include <string>

#include "agent/base/error.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::cache;

namespace {

const std::string kUuid = "9a2d629d-0000-4000-8000-000000000001";

struct Place {
  test::ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  Place() { layout::prepare_directories(layout); }
};

domain::KnownDomain web01() {
  domain::KnownDomain domain{.uuid = kUuid, .name = "web01", .files = {}};
  domain.files.push_back({.path = "/i/disk", .format = "qcow2", .role = "disk vda"});
  domain.files.push_back({.path = "/i/kernel"});
  return domain;
}

}  // namespace

TEST_CASE("what a hook holds is told of until it is let go") {
  Place place;
  DomainLeases leases(place.layout);
  CHECK(leases.all().empty());
  leases.hold(web01());
  const auto held = DomainLeases(place.layout).all();  // of an agent that was started again, too
  REQUIRE(held.size() == 1);
  CHECK(held[0].uuid == kUuid);
  CHECK(held[0].name == "web01");
  REQUIRE(held[0].files.size() == 2);
  CHECK(held[0].files[0].path == "/i/disk");
  CHECK(held[0].files[0].format == "qcow2");
  CHECK(held[0].files[0].role == "disk vda");
  CHECK(leases.release(kUuid));
  CHECK_FALSE(leases.release(kUuid));
  CHECK(leases.all().empty());
}

TEST_CASE("a domain held again is held with the files it has now") {
  Place place;
  DomainLeases leases(place.layout);
  leases.hold(web01());
  domain::KnownDomain changed = web01();
  changed.files.resize(1);
  leases.hold(changed);
  REQUIRE(leases.all().size() == 1);
  CHECK(leases.all()[0].files.size() == 1);
}

TEST_CASE("letting go of one domain leaves the others") {
  Place place;
  DomainLeases leases(place.layout);
  leases.hold(web01());
  domain::KnownDomain other = web01();
  other.uuid.back() = '2';
  leases.hold(other);
  CHECK(leases.release(kUuid));
  REQUIRE(leases.all().size() == 1);
  CHECK(leases.all()[0].uuid == other.uuid);
}

TEST_CASE("no guest outlives a boot of its node, and another node's is none of ours") {
  Place place;
  DomainLeases(place.layout, "a", "boot 1").hold(web01());
  CHECK(DomainLeases(place.layout, "a", "boot 1").all().size() == 1);
  CHECK(DomainLeases(place.layout, "a", "boot 2").all().empty());
  CHECK(DomainLeases(place.layout, "a", "boot 2").others().empty());
  CHECK(DomainLeases(place.layout, "b", "boot 2").all().empty());
  CHECK(DomainLeases(place.layout, "b", "boot 2").others().count("a") == 1);
  CHECK_FALSE(DomainLeases(place.layout, "b", "boot 2").release(kUuid));
  CHECK(DomainLeases(place.layout, "a", "boot 1").all().size() == 1);
}

TEST_CASE("a lease that can't be read is no absent one") {
  Place place;
  DomainLeases leases(place.layout);
  for (const char* text : {"", "{", "[]", R"({"name":"x","files":[{"path":"relative"}],"node":"a","boot":"b"})",
                           R"({"name":"x","files":[]})"}) {
    CAPTURE(text);
    test::write_file(place.layout.domain_lease(kUuid), text);
    CHECK_THROWS_AS(leases.all(), Error);
  }
}

TEST_CASE("what else stands among the leases is nobody's") {
  Place place;
  test::write_file(place.layout.domain_lease_directory() / "README", "x");
  test::write_file(place.layout.domain_lease_directory() / ("." + kUuid + ".json.new"), "x");
  CHECK(DomainLeases(place.layout).all().empty());
  boost::filesystem::remove_all(place.layout.domain_lease_directory());
  CHECK(DomainLeases(place.layout).all().empty());
}

namespace {

// As if it had been held that long ago.
void age(const Place& place, std::time_t seconds) {
  const timespec then{.tv_sec = std::time(nullptr) - seconds, .tv_nsec = 0};
  const timespec times[2] = {then, then};
  REQUIRE(::utimensat(AT_FDCWD, place.layout.domain_lease(kUuid).c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("a domain whose end nobody told of counts until libvirt says that it doesn't run") {
  Place place;
  DomainLeases leases(place.layout);
  const std::set<std::string> none;
  const std::set<std::string> running{kUuid};
  leases.hold(web01());
  CHECK(leases.all(&none).size() == 1);  // it is being started
  age(place, 601);
  CHECK(leases.all().size() == 1);
  CHECK(leases.all(&running).size() == 1);
  CHECK(leases.all(&none).empty());
  leases.remove_ended(nullptr);
  leases.remove_ended(&running);
  CHECK(boost::filesystem::exists(place.layout.domain_lease(kUuid)));
  leases.remove_ended(&none);
  CHECK_FALSE(boost::filesystem::exists(place.layout.domain_lease(kUuid)));
}

TEST_CASE("what was held before a boot is removed, what another node or another user's libvirt runs is not") {
  Place place;
  const std::set<std::string> none;
  DomainLeases now(place.layout, "a", "boot 2");
  DomainLeases(place.layout, "a", "boot 1").hold(web01());
  now.remove_ended(nullptr);
  CHECK_FALSE(boost::filesystem::exists(place.layout.domain_lease(kUuid)));
  DomainLeases(place.layout, "b", "boot 1").hold(web01());
  age(place, 601);
  now.remove_ended(&none);
  CHECK(now.others().size() == 1);
  boost::filesystem::remove(place.layout.domain_lease(kUuid));
  now.hold(web01(), ::geteuid() + 1000);
  age(place, 601);
  now.remove_ended(&none);
  CHECK(now.all(&none).size() == 1);
}

TEST_CASE("only the user whose libvirt runs a domain lets go of it, and root") {
  Place place;
  DomainLeases leases(place.layout);
  leases.hold(web01(), 1000);
  CHECK_FALSE(leases.release(kUuid, 1001));
  CHECK_THROWS_AS(leases.hold(web01(), 1001), Error);
  leases.hold(web01(), 1000);
  CHECK(leases.release(kUuid, 1000));
  leases.hold(web01(), 1000);
  leases.hold(web01());
  CHECK_FALSE(leases.release(kUuid, 1000));
  CHECK(leases.release(kUuid));
}
