#include "tools/basecache-qemu-hook/hook_call.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace basecache::hook;

namespace {

std::optional<HookAction> action_of(const std::vector<const char*>& words) {
  return hook_action(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_CASE("the agent hears of four of libvirt's calls") {
  CHECK(action_of({"basecache", "web01", "prepare", "begin", "-"}) == HookAction::prepare);
  CHECK(action_of({"basecache", "web01", "reconnect", "begin", "-"}) == HookAction::reconnect);
  CHECK(action_of({"basecache", "web01", "stopped", "end", "-"}) == HookAction::stopped);
  CHECK(action_of({"basecache", "web01", "release", "end", "-", "more"}) == HookAction::release);
}

TEST_CASE("every other call, and what is no call, is nothing") {
  for (const char* operation : {"start", "started", "migrate", "restore", "attach", "", "Prepare", "prepare "}) {
    CAPTURE(operation);
    CHECK_FALSE(action_of({"basecache", "web01", operation, "begin", "-"}).has_value());
  }
  CHECK_FALSE(action_of({"basecache", "web01", "prepare", "end", "-"}).has_value());
  CHECK_FALSE(action_of({"basecache", "web01", "release", "begin", "-"}).has_value());
  CHECK_FALSE(action_of({"basecache", "web01", "prepare"}).has_value());
  CHECK_FALSE(action_of({"basecache"}).has_value());
  CHECK_FALSE(action_of({}).has_value());
}

TEST_CASE("each has the name of its path") {
  CHECK(name_of(HookAction::prepare) == "prepare");
  CHECK(name_of(HookAction::reconnect) == "reconnect");
  CHECK(name_of(HookAction::stopped) == "stopped");
  CHECK(name_of(HookAction::release) == "release");
}
