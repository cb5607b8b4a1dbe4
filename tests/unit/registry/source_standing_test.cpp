#include "backends/registry/source_standing.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

class FakeRegistry : public fetch::ImageSource {
 public:
  model::ImageRecord describe(const model::ImageRef& ref, OpContext&) override {
    ++asked;
    if (failure) throw *failure;
    return {.ref = ref};
  }
  void fetch(const model::ImageRecord&, fetch::ImageSink&, OpContext&) override { FAIL("nothing is fetched"); }

  std::optional<Error> failure;
  std::size_t asked = 0;
};

model::ImageRef image(std::size_t number = 0) {
  return model::ImageRef::parse("9a2d629d-0000-4000-8000-" + std::to_string(100000000000 + number), "image_ref");
}

struct Asking {
  std::optional<std::string> withdrawn(std::size_t number = 0) {
    return standing.withdrawn(image(number), test_operation());
  }
  FakeRegistry registry;
  registry::SourceStanding standing{registry};
};

}  // namespace

TEST_CASE("an image is withdrawn when the registry has it no more or has deactivated it, not when it can't tell") {
  struct Row {
    std::optional<Error> failure;
    bool withdrawn;
  };
  const Row rows[] = {
      {std::nullopt, false},
      {Error(ErrorCode::image_not_found, "gone"), true},
      {Error(ErrorCode::image_not_found, "not mounted").add_field("registry", "missing"), false},
      {Error(ErrorCode::source_unauthorized, "deactivated").add_field("status", "deactivated"), true},
      {Error(ErrorCode::source_unauthorized, "who are you"), false},
      {Error(ErrorCode::source_unavailable, "down"), false},
      {Error(ErrorCode::image_unacceptable, "killed").add_field("status", "killed"), false},
  };
  for (const Row& row : rows) {
    Asking asking;
    asking.registry.failure = row.failure;
    CHECK(asking.withdrawn().has_value() == row.withdrawn);
  }
}

TEST_CASE("an answer is remembered") {
  Asking asking;
  asking.registry.failure = Error(ErrorCode::image_not_found, "gone");
  CHECK(asking.withdrawn());
  asking.registry.failure.reset();
  CHECK(asking.withdrawn());
  CHECK_FALSE(asking.withdrawn(1));
  CHECK(asking.registry.asked == 2);
}

TEST_CASE("a registry that doesn't answer is left alone") {
  Asking asking;
  asking.registry.failure = Error(ErrorCode::source_unavailable, "down");
  for (std::size_t number = 0; number < 5; ++number) CHECK_FALSE(asking.withdrawn(number));
  CHECK(asking.registry.asked == 1);
}

TEST_CASE("only so many questions are asked") {
  Asking asking;
  for (std::size_t number = 0; number < 2 * registry::SourceStanding::kMostQuestions; ++number) {
    CHECK_FALSE(asking.withdrawn(number));
  }
  CHECK(asking.registry.asked == registry::SourceStanding::kMostQuestions);
}
