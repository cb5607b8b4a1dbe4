#include "agent/cache/content_check.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>

#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;
using cache::ContentState;

namespace {

struct CheckNode : FakeNode {
  CheckNode() : FakeNode("bytes") { images.acquire(image_base(), op); }

  cache::CheckedContent verify() { return check.check(key, RateLimit(), op); }
  void rot() {
    const Path file = layout.base_file(key);
    boost::filesystem::permissions(file, boost::filesystem::owner_all);
    write_file(file, "bYtes");
  }

  OpContext op = test_operation();
  model::CacheKey key = model::key_of(model::BaseFileSpec(image_base()));
  cache::ContentCheck check{layout, quarantine};
};

}  // namespace

TEST_CASE("a base file that is as it was published is verified") {
  CheckNode node;
  const auto checked = node.verify();
  CHECK(checked.state == ContentState::verified);
  CHECK(checked.size == Bytes{5});
  CHECK(checked.read == Bytes{5});
  CHECK(checked.detail.empty());
}

TEST_CASE("a base file that rotted goes to quarantine, and the next request fetches it again") {
  CheckNode node;
  node.rot();
  const auto checked = node.verify();
  CHECK(checked.state == ContentState::rotten);
  CHECK(checked.detail.find("quarantine") != std::string::npos);
  CHECK(node.quarantine.list().size() == 1);
  CHECK(node.images.acquire(image_base(), node.op).how() == cache::HowAcquired::built);
  CHECK(node.verify().state == ContentState::verified);
}

TEST_CASE("a rotten base file that disks stand on stays and is given to nobody") {
  CheckNode node;
  node.rot();
  node.users.reason = "used by instance 1 disk 'disk'";
  for (int i = 0; i < 2; ++i) {
    const auto checked = node.verify();
    CHECK(checked.state == ContentState::rotten);
    CHECK(checked.detail.find("used by instance 1") != std::string::npos);
  }
  CHECK(boost::filesystem::exists(node.layout.base_file(node.key)));
  CHECK_THROWS_AS(node.images.acquire(image_base(), node.op), Error);
}

TEST_CASE("a rotten base file that a request uses is given to nobody else") {
  CheckNode node;
  node.rot();
  {
    const auto lease = node.images.acquire(image_base(), node.op);
    CHECK(node.verify().state == ContentState::rotten);
    CHECK_THROWS_AS(node.images.acquire(image_base(), node.op), Error);
  }
  CHECK(node.images.acquire(image_base(), node.op).how() == cache::HowAcquired::built);
}

TEST_CASE("a base file without a digest is unknown, whether it has a record or not") {
  CheckNode node;
  auto record = cache::read_record(node.layout, node.key).value();
  record.content_digest = "another-kind:00";
  cache::write_record(node.layout, node.key, record, node.layout.base_file(node.key));
  CHECK(node.verify().state == ContentState::unknown);
  boost::filesystem::remove(node.layout.record(node.key));
  CHECK(node.verify().state == ContentState::unknown);
}

TEST_CASE("blank base files are verified too") {
  CheckNode node;
  const auto swap = node.images.acquire(model::SwapBase{.mebibytes = 1}, node.op);
  CHECK(node.check.check(swap.base().key(), RateLimit(), node.op).state == ContentState::verified);
}

TEST_CASE("a base file that isn't there can't be verified") {
  CheckNode node;
  CHECK_THROWS_AS(node.check.check(model::CacheKey::for_swap(7), RateLimit(), node.op), Error);
}

TEST_CASE("what stands in the place of a base file and is no file can't be verified") {
  CheckNode node;
  boost::filesystem::create_directory(node.layout.base_directory() / "swap_7");
  CHECK_THROWS_AS(node.check.check(model::CacheKey::for_swap(7), RateLimit(), node.op), Error);
}

TEST_CASE("verifying keeps to its rate") {
  CheckNode node;
  OpContext brief("test", {}, OpContext::Clock::now() + std::chrono::milliseconds(50));
  CHECK_THROWS_AS(node.check.check(node.key, RateLimit(1), brief), Error);  // five seconds
}

TEST_CASE("verifying is no use of a base file: it gets older all the same") {
  CheckNode node;
  const Path file = node.layout.base_file(node.key);
  boost::filesystem::last_write_time(file, 1000);
  CHECK(node.verify().state == ContentState::verified);
  CHECK(boost::filesystem::last_write_time(file) == 1000);
}
