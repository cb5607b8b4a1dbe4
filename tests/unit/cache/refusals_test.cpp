#include "agent/cache/refusals.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/base/text.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;
using cache::RefusedImage;

namespace {

const Digest kDigest{.algorithm = DigestAlgorithm::sha512, .hex = std::string(128, 'a')};
const Digest kOtherDigest{.algorithm = DigestAlgorithm::sha512, .hex = std::string(128, 'b')};

struct RememberingPlace {
  RememberingPlace() { layout::prepare_directories(layout); }

  void remember(const model::CacheKey& of) const {
    Error why(ErrorCode::image_unacceptable, "it has a backing file");
    why.set_hint("flatten it").add_field("checks", "backing_file");
    refusals.remember(of, image, why);
  }
  std::optional<Error> refusal(const RefusedImage& of) const {
    try {
      refusals.require_none(key, of);
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }
  void grow_old(const Path& file, std::time_t seconds) const {
    const timespec then{.tv_sec = std::time(nullptr) - seconds, .tv_nsec = 0};
    const timespec times[2] = {then, then};
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  cache::Refusals refusals{layout};
  model::CacheKey key = model::CacheKey::for_image("image");
  RefusedImage image{.origin = "image", .digest = kDigest, .declared_format = "qcow2", .rules = 3};
};

}  // namespace

TEST_CASE("a remembered refusal is the same error again, and says since when and how to forget it") {
  const RememberingPlace place;
  CHECK_FALSE(place.refusal(place.image));
  place.remember(place.key);
  const auto error = place.refusal(place.image);
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::image_unacceptable);
  CHECK(error->message().starts_with("it has a backing file (found at 2"));
  CHECK(error->hint() == "flatten it; 'basecache cache remove " + place.key.text() +
                             "' forgets this, and the next request fetches it again");
  CHECK(error->fields() == std::vector<std::pair<std::string, std::string>>{{"checks", "backing_file"}});
}

TEST_CASE("a refusal holds for the same digest, declared format, use and rules only") {
  const RememberingPlace place;
  place.remember(place.key);
  RefusedImage other = place.image;
  other.digest = kOtherDigest;
  CHECK_FALSE(place.refusal(other));
  other = place.image;
  other.declared_format = "raw";
  CHECK_FALSE(place.refusal(other));
  other.declared_format = std::nullopt;
  CHECK_FALSE(place.refusal(other));
  other = place.image;
  other.rules = 4;
  CHECK_FALSE(place.refusal(other));
  other = place.image;
  other.use = model::ImageUse::boot_file;
  CHECK_FALSE(place.refusal(other));
  CHECK(place.refusal(place.image));
}

TEST_CASE("a forgotten refusal is none") {
  const RememberingPlace place;
  place.remember(place.key);
  CHECK(place.refusals.forget(place.key));
  CHECK_FALSE(place.refusal(place.image));
  CHECK_FALSE(place.refusals.forget(place.key));
}

TEST_CASE("a refusal that can't be understood is ignored and removed") {
  const RememberingPlace place;
  for (const char* damaged : {"", "{", "[]", "{\"digest\":\"sha512:x\"}", "{\"image_ref\":1}"}) {
    CAPTURE(std::string(damaged));
    write_file(place.layout.refusal(place.key), damaged);
    CHECK_FALSE(place.refusal(place.image));
    CHECK_FALSE(boost::filesystem::exists(place.layout.refusal(place.key)));
  }
}

TEST_CASE("a refusal that was found at no time that a clock can say is ignored and removed") {
  const RememberingPlace place;
  const Path file = place.layout.refusal(place.key);
  place.remember(place.key);
  const std::string good = read_file(file);
  const std::size_t begin = good.find("\"found\": ") + 9;
  const std::size_t end = good.find_first_of(",\n", begin);
  for (const char* found : {"4611686018427387904", "-4611686018427387904", "9223372036854775813", "1e300", "\"x\""}) {
    CAPTURE(std::string(found));
    write_file(file, std::string(good).replace(begin, end - begin, found));
    CHECK_FALSE(place.refusal(place.image));
    CHECK_FALSE(boost::filesystem::exists(file));
  }
}

TEST_CASE("what only a setting refuses is not remembered: the setting may change") {
  const RememberingPlace place;
  const auto remember = [&](const char* checks) {
    Error why(ErrorCode::image_unacceptable, "its disk has 80 TiB, more than 64 TiB");
    place.refusals.remember(place.key, place.image, why.add_field(fetch::kChecksField, checks));
  };
  remember("virtual_size");
  CHECK_FALSE(place.refusal(place.image));
  remember("backing_file virtual_size");
  CHECK(place.refusal(place.image));
}

TEST_CASE("refusals go by age") {
  const RememberingPlace place;
  place.remember(place.key);
  place.remember(model::CacheKey::for_image("old"));
  place.grow_old(place.layout.refusal(model::CacheKey::for_image("old")), 7200);
  CHECK(place.refusals.forget_older_than(std::chrono::hours(1)) == 1);
  CHECK(place.refusal(place.image));
  CHECK(place.refusals.forget_older_than(std::chrono::hours(1)) == 0);
}

TEST_CASE("of more refusals than are kept the oldest goes") {
  const RememberingPlace place;
  for (std::size_t i = 0; i < cache::Refusals::kMost; ++i) {
    write_file(place.layout.refusal(model::CacheKey::for_image("image " + std::to_string(i))), "");
  }
  const Path oldest = place.layout.refusal(model::CacheKey::for_image("image 500"));
  place.grow_old(oldest, 60);
  place.remember(place.key);
  CHECK(names_in(place.layout.refusal_directory()).size() == cache::Refusals::kMost);
  CHECK_FALSE(boost::filesystem::exists(oldest));
  CHECK(place.refusal(place.image));
}

TEST_CASE("an image that was refused is not fetched again while its record stays") {
  FakeNode node("BAD bytes");
  OpContext op = test_operation();
  node.source.promised = Digest::parse("sha512:" + hex_digest(DigestAlgorithm::sha512, "BAD bytes"));
  const auto refused = [&] {
    try {
      node.images.acquire(image_base(), op);
    } catch (const Error& error) {
      return error.code() == ErrorCode::image_unacceptable;
    }
    return false;
  };
  CHECK(refused());
  CHECK(refused());
  CHECK(node.source.fetches == 1);

  SUBCASE("a newer rule set looks again, and an image that passes is remembered no more") {
    node.inspector.version = 2;
    node.inspector.refused = "nothing";
    node.images.acquire(image_base(), op);
    CHECK(node.source.fetches == 2);
    CHECK(names_in(node.layout.refusal_directory()).empty());
  }
  SUBCASE("another declared format is fetched") {
    node.source.declared = "raw";
    CHECK(refused());
    CHECK(node.source.fetches == 2);
  }
}

TEST_CASE("what nothing tells from other bytes is fetched each time") {
  struct Row {
    const char* what;
    std::optional<Digest> promised;
    bool allow_md5;
    int fetches;
  };
  const Digest md5{.algorithm = DigestAlgorithm::md5, .hex = hex_digest(DigestAlgorithm::md5, "BAD bytes")};
  for (const Row& row : {Row{"no digest", std::nullopt, false, 2}, Row{"a digest that can be forged", md5, false, 2},
                         Row{"such a one where that is allowed", md5, true, 1}}) {
    CAPTURE(std::string(row.what));
    FakeNode node("BAD bytes", {.allow_md5 = row.allow_md5});
    OpContext op = test_operation();
    node.source.promised = row.promised;
    for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(node.images.acquire(image_base(), op), Error);
    CHECK(node.source.fetches == row.fetches);
  }
}

TEST_CASE("a failure that isn't the image's is not remembered") {
  FakeNode node("QFI bytes");
  OpContext op = test_operation();
  node.source.promised = Digest::parse("sha512:" + hex_digest(DigestAlgorithm::sha512, "QFI bytes"));
  node.converter.fails = true;
  CHECK_THROWS_AS(node.images.acquire(image_base(), op), Error);
  CHECK(names_in(node.layout.refusal_directory()).empty());
}
