#include "agent/cache/quarantine.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>

#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace fs = boost::filesystem;

namespace {

// A node with one base file.
struct QuarantineNode : FakeNode {
  QuarantineNode() : FakeNode("bytes") { images.acquire(image_base(), op); }

  std::vector<std::string> listed() const {
    std::vector<std::string> names;
    for (const auto& file : quarantine.list()) names.push_back(file.name);
    return names;
  }

  OpContext op = test_operation();
  model::CacheKey key = model::key_of(model::BaseFileSpec(image_base()));
};

}  // namespace

TEST_CASE("what is no file in quarantine hides none of the others") {
  const QuarantineNode node;
  const Path directory = node.layout.quarantine_directory();
  write_file(directory / "kept", "bytes");
  fs::create_symlink("/nonexistent", directory / "dangling");
  fs::create_symlink("kept", directory / "link");
  fs::create_directory(directory / "directory");
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(node.listed() == std::vector<std::string>{"kept"});
}

TEST_CASE("a file in quarantine is shown with as much as its sentence says") {
  const QuarantineNode node;
  const Path file = node.layout.quarantine_directory() / node.key.text();
  const Path sentence = file.native() + ".json";
  write_file(file, "bytes");
  const auto shown = [&] { return node.quarantine.list().at(0); };
  CHECK(shown().reason.empty());
  for (const char* damaged : {"", "{", "[]", R"({"reason":1,"origin":[],"found":"x"})", R"({"found":1e300})",
                              R"({"found":18446744073709551615})"}) {
    CAPTURE(std::string(damaged));
    write_file(sentence, damaged);
    CHECK(shown().reason.empty());
    CHECK(shown().found == 0);
  }
  write_file(sentence, R"({"reason":"rotten","origin":"image","found":7})");
  CHECK(shown().reason == "rotten");
  CHECK(shown().origin == "image");
  CHECK(shown().found == 7);
  CHECK(shown().allocated.count > 0);
  fs::remove(sentence);
  fs::create_directory(sentence);
  CHECK(shown().key == node.key.text());
  CHECK(shown().reason.empty());
}

TEST_CASE("a mark of being unfit that is no file holds as a damaged one does, and goes with its base file") {
  QuarantineNode node;
  fs::create_directory(node.layout.unfit(node.key));
  CHECK(node.images.list().at(0).unfit);
  CHECK(node.images.acquire(image_base(), node.op).how() == cache::HowAcquired::built);
  CHECK(node.listed() == std::vector<std::string>{node.key.text()});
  CHECK_FALSE(node.images.list().at(0).unfit);
}

TEST_CASE("where no base file is, nothing is unfit, whatever a mark says") {
  QuarantineNode node;
  const auto& layout = node.layout;
  for (const char* mark : {"{", R"({"file":"x","reason":"rotten"})", R"({"file":"","reason":"rotten"})"}) {
    CAPTURE(std::string(mark));
    fs::remove(layout.base_file(node.key));
    write_file(layout.unfit(node.key), mark);
    CHECK_FALSE(cache::read_unfitness(layout, node.key));
    CHECK_FALSE(node.quarantine.isolate(node.key, test_operation()));
    CHECK(node.images.acquire(image_base(), node.op).how() == cache::HowAcquired::built);
  }
  CHECK(node.listed().empty());
}
