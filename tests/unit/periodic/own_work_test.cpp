#include "agent/periodic/own_work.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <future>

#include "agent/periodic/pruning.hpp"
#include "tests/unit/api/api_node.hpp"

using namespace basecache;
using namespace basecache::periodic;
using namespace basecache::test;

namespace {

struct WorkingNode : ApiNode {
  bool is_there(const std::string& url) const {
    return boost::filesystem::exists(layout.base_file(model::CacheKey::for_image(url)));
  }
  std::vector<std::string> kinds() const {
    std::vector<std::string> found;
    for (const auto& running : operations.all()) found.push_back(running->subject().kind + running->subject().name);
    return found;
  }
};

const std::string kOther = "http://registry.example/other";

}  // namespace

TEST_CASE("a look makes the listed images one after the other, as operations, and marks as used what is there") {
  WorkingNode node;
  const Precaching precaching(node.images, node.operations, {kImageUrl, kOther});
  node.source.gate.close();
  auto look = std::async(std::launch::async, [&] { precaching.look({}); });
  node.source.gate.wait_for_arrivals(1);
  CHECK(node.kinds() == std::vector{"precache" + kImageUrl});
  node.source.gate.open();
  look.get();
  CHECK(node.is_there(kImageUrl));
  CHECK(node.is_there(kOther));
  const Path base = node.layout.base_file(model::CacheKey::for_image(kOther));
  boost::filesystem::last_write_time(base, 1000);
  precaching.look({});
  CHECK(boost::filesystem::last_write_time(base) > 1000);
  CHECK(node.kinds().empty());
}

TEST_CASE(
    "an image of the list whose operation is cancelled is left for the next look, and the others have their turn") {
  WorkingNode node;
  const Precaching precaching(node.images, node.operations, {kImageUrl, kOther});
  node.source.gate.close();
  auto look = std::async(std::launch::async, [&] { precaching.look({}); });
  node.source.gate.wait_for_arrivals(1);
  node.operations.all().at(0)->cancel();
  node.source.gate.wait_for_arrivals(2);
  node.source.gate.open();
  look.get();
  CHECK_FALSE(node.is_there(kImageUrl));
  CHECK(node.is_there(kOther));
}

TEST_CASE("a stop ends a look where it is") {
  WorkingNode node;
  const Precaching precaching(node.images, node.operations, {kImageUrl, kOther});
  node.source.gate.close();
  std::stop_source stop;
  auto look = std::async(std::launch::async, [&] { precaching.look(stop.get_token()); });
  node.source.gate.wait_for_arrivals(1);
  stop.request_stop();
  look.get();
  CHECK_FALSE(node.is_there(kOther));
}

TEST_CASE("a pass prunes what a request to prune would, and one that is stopped removes nothing") {
  WorkingNode node;
  OpContext op = test_operation();
  node.images.acquire(model::ImageBase{model::ImageRef::parse(kImageUrl, "x"), {}}, op);
  boost::filesystem::last_write_time(node.layout.base_file(model::CacheKey::for_image(kImageUrl)), 1000);
  std::stop_source stopped;
  stopped.request_stop();
  prune_once(node.pruner, node.operations, stopped.get_token());
  CHECK(node.is_there(kImageUrl));
  prune_once(node.pruner, node.operations, {});
  CHECK_FALSE(node.is_there(kImageUrl));
}

TEST_CASE("the daemon's own work ends at once when it is asked to, whatever it waits for") {
  WorkingNode node;
  OwnWork work({node.images, node.pins, node.provisioner, node.instances, node.domains, node.pruner, node.content_check,
                node.quarantine, node.uses, node.sandbox_lacks},
               node.operations,
               {.prune_interval = std::chrono::hours(1), .precache = {kImageUrl}, .precache_interval = {}});
  work.request_stop();
}
