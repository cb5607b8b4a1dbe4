#include "agent/base/step_timer.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

namespace basecache {

TEST_CASE("steps are listed in the order in which they end") {
  StepTimer timer;
  {
    const auto outer = timer.measure("create");
    const auto inner = timer.measure("fetch");
  }
  { const auto next = timer.measure("convert"); }
  REQUIRE(timer.steps().size() == 3);
  CHECK(timer.steps()[0].name == "fetch");
  CHECK(timer.steps()[1].name == "create");
  CHECK(timer.steps()[2].name == "convert");
  CHECK(timer.steps()[0].duration <= timer.steps()[1].duration);
}

TEST_CASE("a step that fails is measured too") {
  StepTimer timer;
  const auto fail = [&] {
    const auto step = timer.measure("fetch");
    throw std::runtime_error("broken off");
  };
  CHECK_THROWS(fail());
  REQUIRE(timer.steps().size() == 1);
  CHECK(timer.steps()[0].name == "fetch");
}

TEST_CASE("a step measured elsewhere can be added") {
  StepTimer timer;
  timer.add({"lock", std::chrono::seconds(2)});
  CHECK(timer.steps().at(0).duration == std::chrono::seconds(2));
}

}  // namespace basecache
