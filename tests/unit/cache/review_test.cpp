#include "agent/cache/review.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <future>

#include "agent/base/file_lock.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

// A base file that passed rule set 1.
struct ReviewNode : FakeNode {
  explicit ReviewNode(std::string image = "WEB bytes", cache::BuildSettings settings = {})
      : FakeNode(std::move(image), settings) {
    acquire();
  }

  cache::HowAcquired acquire() { return images.acquire(image_base(), op).how(); }
  std::optional<Error> refusal() {
    try {
      acquire();
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }
  void stricter_rules() {
    inspector.version = 2;
    inspector.refused = "WEB";
  }
  std::vector<std::string> quarantined() const { return names_in(layout.quarantine_directory()); }

  OpContext op = test_operation();
  model::CacheKey key = model::key_of(model::BaseFileSpec(image_base()));
};

}  // namespace

TEST_CASE("a base file that passed older rules is inspected again once, and then a hit") {
  ReviewNode node;
  CHECK(cache::read_record(node.layout, node.key)->rules == 1);
  node.inspector.version = 2;
  CHECK(node.acquire() == cache::HowAcquired::hit);
  CHECK(cache::read_record(node.layout, node.key)->rules == 2);
  node.stricter_rules();  // not asked: it passed this version
  CHECK(node.acquire() == cache::HowAcquired::hit);
  CHECK(node.source.fetches == 1);
}

TEST_CASE("a record from before rules were counted is of rule set 0, and keeps the rest of what it says") {
  ReviewNode node;
  cache::BaseFileRecord record = cache::read_record(node.layout, node.key).value();
  const Digest source_digest = record.source_digest.value();
  record.rules = 0;
  cache::write_record(node.layout, node.key, record, node.layout.base_file(node.key));
  CHECK(node.acquire() == cache::HowAcquired::hit);
  record = cache::read_record(node.layout, node.key).value();
  CHECK(record.rules == 1);
  CHECK(record.source_digest == source_digest);
  CHECK(record.content_digest.value_or("").starts_with("sectors-xxh3:"));
}

TEST_CASE("callers who meet a base file of older rules at once have it inspected once") {
  ReviewNode node;
  node.inspector.version = 2;
  const int before = node.inspector.inspections;
  std::vector<std::future<void>> callers;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [&] {
      OpContext op = test_operation();
      node.images.acquire(image_base(), op);
    }));
  }
  for (auto& caller : callers) caller.get();
  CHECK(node.inspector.inspections == before + 1);
  CHECK(cache::read_record(node.layout, node.key)->rules == 2);
  CHECK(node.source.fetches == 1);
}

TEST_CASE("a base file that newer rules refuse goes to quarantine with the reason, and its image is fetched anew") {
  ReviewNode node;
  node.stricter_rules();
  CHECK(node.refusal());  // the image is refused too
  CHECK(node.source.fetches == 2);
  CHECK_FALSE(boost::filesystem::exists(node.layout.base_file(node.key)));
  CHECK_FALSE(boost::filesystem::exists(node.layout.record(node.key)));
  CHECK(node.quarantined() == std::vector<std::string>{node.key.text(), node.key.text() + ".json"});
  CHECK(read_file(node.layout.quarantine_directory() / node.key.text()) == "WEB bytes");
  REQUIRE(node.op.notes().size() == 1);
  CHECK(node.op.notes()[0].find("the fake inspector refuses") != std::string::npos);

  const auto listed = node.quarantine.list();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].key == node.key.text());
  CHECK(listed[0].origin == "http://registry.example/image");
  CHECK(listed[0].reason.find("rule set 2") != std::string::npos);
  CHECK(listed[0].found > 0);
}

TEST_CASE("each time a base file goes to quarantine it gets a place of its own") {
  ReviewNode node;
  for (int i = 0; i < 3; ++i) {
    node.stricter_rules();
    CHECK(node.refusal());
    node.inspector.version = 1;
    node.inspector.refused = "nothing";
    CHECK(node.acquire() == cache::HowAcquired::built);
  }
  const std::string key = node.key.text();
  CHECK(node.quarantined() ==
        std::vector<std::string>{key, key + ".2", key + ".2.json", key + ".3", key + ".3.json", key + ".json"});
}

TEST_CASE("a base file that fails and that disks stand on stays for them, and no request gets it") {
  ReviewNode node;
  node.stricter_rules();
  node.users.reason = "used by instance 1 disk 'disk'";
  for (int i = 0; i < 2; ++i) {
    const auto error = node.refusal();
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::in_use);
    CHECK(error->message().find("used by instance 1") != std::string::npos);
    CHECK(error->message().find("the fake inspector refuses") != std::string::npos);
  }
  CHECK(boost::filesystem::exists(node.layout.base_file(node.key)));
  CHECK(node.images.find(node.key)->unfit);
  CHECK(node.quarantined().empty());

  node.users.reason.reset();
  node.inspector.refused = "nothing";
  CHECK(node.acquire() == cache::HowAcquired::built);
  CHECK(node.quarantined().size() == 2);
  CHECK_FALSE(node.images.find(node.key)->unfit);
}

TEST_CASE("an unfit base file that a request uses is refused at once, not waited for") {
  ReviewNode node;
  const auto lease = node.images.acquire(image_base(), node.op);
  node.quarantine.condemn(node.key, {.reason = "rotten"});
  const auto error = node.refusal();
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::in_use);
  CHECK(node.quarantined().empty());
}

TEST_CASE("a base file that isn't of the format any more that it was made as fails") {
  ReviewNode node("QFI bytes", {.force_raw_images = false});
  boost::filesystem::permissions(node.layout.base_file(node.key), boost::filesystem::owner_all);
  write_file(node.layout.base_file(node.key), "RAW bytes");
  node.inspector.version = 2;
  CHECK(node.acquire() == cache::HowAcquired::built);
  CHECK(node.quarantined().size() == 2);
}

TEST_CASE("what isn't raw is shown to the converting tool again") {
  ReviewNode node("QFI bytes", {.force_raw_images = false});
  const int before = node.converter.confirmed;
  node.inspector.version = 2;
  CHECK(node.acquire() == cache::HowAcquired::hit);
  CHECK(node.converter.confirmed == before + 1);
}

TEST_CASE("of what was converted, the source is fetched again for newer rules and the base file stays") {
  ReviewNode node("QFI bytes");
  node.inspector.version = 2;
  const int confirmed = node.converter.confirmed;
  CHECK(node.acquire() == cache::HowAcquired::hit);
  CHECK(node.source.fetches == 2);
  CHECK(node.converter.confirmed == confirmed + 1);
  CHECK(cache::read_record(node.layout, node.key)->rules == 2);
  CHECK(read_file(node.layout.base_file(node.key)) == "RAW bytes");
  CHECK_FALSE(boost::filesystem::exists(node.layout.fetched(node.key)));
  REQUIRE(node.op.notes().size() == 1);
  CHECK(node.op.notes()[0].find("fetched again") != std::string::npos);
  CHECK(node.acquire() == cache::HowAcquired::hit);
  CHECK(node.source.fetches == 2);
}

TEST_CASE("a converted base file whose own bytes look like something else is judged by its source alone") {
  ReviewNode node("QFI bytes");
  node.inspector.version = 2;
  node.inspector.refused = "RAW";
  CHECK(node.acquire() == cache::HowAcquired::hit);
  CHECK(node.quarantined().empty());
}

TEST_CASE("a converted base file goes to quarantine when newer rules refuse its source") {
  ReviewNode node("QFI bytes");
  node.source.promised = Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, "QFI bytes"));
  node.inspector.version = 2;
  node.inspector.refused = "QFI";
  const auto error = node.refusal();
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::image_unacceptable);
  CHECK(node.source.fetches == 2);  // not once more to build it: the refusal is remembered
  CHECK(node.quarantined().size() == 2);
  CHECK(node.quarantine.list().at(0).reason.find("the fake inspector refuses") != std::string::npos);
}

TEST_CASE("a converted base file whose source has other bytes now is replaced, or unfit while disks stand on it") {
  ReviewNode node("QFI bytes");
  node.source.replace("QFI others");
  node.inspector.version = 2;
  node.users.reason = "used by instance 1 disk 'disk'";
  const auto error = node.refusal();
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::in_use);
  CHECK(error->message().find("can't be inspected any more") != std::string::npos);
  CHECK_FALSE(node.images.find(node.key)->unfit);  // it isn't to blame

  node.users.reason.reset();
  CHECK(node.acquire() == cache::HowAcquired::built);
  CHECK(read_file(node.layout.base_file(node.key)) == "RAW others");
  CHECK(read_file(node.layout.quarantine_directory() / node.key.text()) == "RAW bytes");
}

TEST_CASE("a converted base file isn't blamed for a damaged transfer") {
  ReviewNode node("QFI bytes");
  node.source.promised = Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, "QFI bytes"));
  node.source.replace("QFI bites");
  node.inspector.version = 2;
  const auto error = node.refusal();
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::checksum_mismatch);
  CHECK_FALSE(node.images.find(node.key)->unfit);
  CHECK(node.quarantined().empty());
  node.source.replace("QFI bytes");
  CHECK(node.acquire() == cache::HowAcquired::hit);
}

TEST_CASE("a converted base file isn't blamed for what settings or the registry's record are in the way of") {
  for (const char* check : {"virtual_size", "declared_format", "virtual_size declared_format"}) {
    CHECK_FALSE(fetch::blames_bytes(Error(ErrorCode::image_unacceptable, "no").add_field(fetch::kChecksField, check)));
  }
  CHECK(fetch::blames_bytes(Error(ErrorCode::image_unacceptable, "no").add_field("checks", "virtual_size tables")));
  CHECK_FALSE(fetch::blames_bytes(Error(ErrorCode::image_unacceptable, "no certificate")));
}

TEST_CASE("a converted base file of which nobody knows what it was made from is made anew") {
  ReviewNode node("QFI bytes");
  cache::BaseFileRecord record = cache::read_record(node.layout, node.key).value();
  record.source_digest.reset();
  record.rules = 0;
  cache::write_record(node.layout, node.key, record, node.layout.base_file(node.key));
  CHECK(node.acquire() == cache::HowAcquired::built);
  CHECK(node.quarantined().size() == 2);
}

TEST_CASE("a converted base file waits for newer rules until its source can be fetched") {
  ReviewNode node("QFI bytes");
  node.inspector.version = 2;
  node.source.fails = true;
  for (int i = 0; i < 2; ++i) {
    const auto error = node.refusal();
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::source_unavailable);
    CHECK(error->message().find("cannot inspect base file") != std::string::npos);
  }
  CHECK_FALSE(node.images.find(node.key)->unfit);
  node.source.fails = false;
  CHECK(node.acquire() == cache::HowAcquired::hit);
}

TEST_CASE("what is inspected again gets the content digest that it lacked") {
  ReviewNode node;
  cache::BaseFileRecord record = cache::read_record(node.layout, node.key).value();
  const std::string digest = record.content_digest.value();
  record.content_digest.reset();
  record.rules = 0;
  cache::write_record(node.layout, node.key, record, node.layout.base_file(node.key));
  CHECK(node.acquire() == cache::HowAcquired::hit);
  CHECK(cache::read_record(node.layout, node.key)->content_digest == digest);
}

TEST_CASE("blank base files have no rules to pass") {
  ReviewNode node;
  node.images.acquire(model::SwapBase{.mebibytes = 1}, node.op);
  node.stricter_rules();
  CHECK(node.images.acquire(model::SwapBase{.mebibytes = 1}, node.op).how() == cache::HowAcquired::hit);
}

TEST_CASE("a mark of being unfit doesn't hold for a base file that took the place of another") {
  ReviewNode node;
  node.quarantine.condemn(node.key, {.reason = "rotten"});
  boost::filesystem::remove(node.layout.base_file(node.key));
  write_file(node.layout.base_file(node.key), "a longer file");
  CHECK_FALSE(cache::read_unfitness(node.layout, node.key));
}

TEST_CASE("an unfit base file whose record was lost goes to quarantine all the same") {
  ReviewNode node;
  node.quarantine.condemn(node.key, {.reason = "rotten"});
  boost::filesystem::remove(node.layout.record(node.key));
  CHECK(node.acquire() == cache::HowAcquired::built);
  CHECK(node.quarantined().size() == 2);
}

TEST_CASE("a mark of being unfit that was damaged holds") {
  ReviewNode node;
  write_file(node.layout.unfit(node.key), "{");
  CHECK(cache::read_unfitness(node.layout, node.key));
}

TEST_CASE("a kernel that newer rules refuse as a disk goes on being one") {
  FakeNode node("ZIP kernel");
  OpContext op = test_operation();
  (void)node.images.acquire(boot_file_base(), op);
  node.inspector.version = 2;
  CHECK(node.images.acquire(boot_file_base(), op).how() == cache::HowAcquired::hit);
  CHECK_THROWS_AS((void)node.images.acquire(image_base(), op), Error);
  CHECK(cache::read_record(node.layout, model::key_of(image_base()))->rules == 2);
  CHECK(names_in(node.layout.quarantine_directory()).empty());
}

TEST_CASE("a converted disk that is asked for as a kernel under newer rules isn't blamed for that") {
  FakeNode node("QFI cow image");
  OpContext op = test_operation();
  (void)node.images.acquire(image_base(), op);
  node.inspector.version = 2;
  CHECK_THROWS_AS((void)node.images.acquire(boot_file_base(), op), Error);
  CHECK(names_in(node.layout.quarantine_directory()).empty());
  CHECK(node.images.acquire(image_base(), op).how() == cache::HowAcquired::hit);
}
