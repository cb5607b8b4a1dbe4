#include "agent/prune/prune_policy.hpp"

#include <doctest/doctest.h>

using namespace basecache;
using namespace basecache::prune;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const std::string kSha1(40, 'a');

struct Row {
  const char* what;
  std::string name;
  seconds age;
  std::vector<std::string> users;
  std::size_t leases;
  std::optional<std::string> pin;
  bool remove;
  const char* reason;  // how it begins
};

PruneDecision decide(const Row& row, const PruneRules& rules, const std::vector<std::string>& unreadable) {
  BaseDirectoryEntry entry{.name = row.name,
                           .key = model::CacheKey::parse(row.name),
                           .age = row.age,
                           .users = row.users,
                           .leases = row.leases,
                           .pin = row.pin};
  return make_prune_plan({entry}, rules, unreadable).at(0);
}

}  // namespace

TEST_CASE("each name in _base is kept or removed for one stated reason") {
  const std::vector<std::string> none;
  const Row rows[] = {
      {"an old unused image", kSha1, hours(24), none, 0, {}, true, "unused for 24 h (minimum 24 h)"},
      {"a young unused image",
       kSha1,
       hours(24) - seconds(1),
       none,
       0,
       {},
       false,
       "unused, but last used only 23 h ago"},
      {"an old used image",
       kSha1,
       hours(999),
       {"instance a disk 'disk'"},
       0,
       {},
       false,
       "used by instance a disk 'disk'"},
      {"used by several",
       kSha1,
       hours(999),
       {"instance a", "instance b", "c"},
       0,
       {},
       false,
       "used by instance a and 2 more"},
      {"a leased image", kSha1, hours(999), none, 2, {}, false, "leased by 2"},
      {"a pinned image", kSha1, hours(999), none, 0, "golden", false, "pinned: golden"},
      {"pinned without a reason", kSha1, hours(999), none, 0, "", false, "pinned"},
      {"an old resized image", kSha1 + "_20", hours(1), none, 0, {}, true, "unused for 60 min"},
      {"a young resized image", kSha1 + "_20", minutes(59), none, 0, {}, false, "unused, but last used only 59 min"},
      {"the oldest resized name", kSha1 + "_sm", hours(2), none, 0, {}, true, "unused for 2 h"},
      {"an old swap base", "swap_256", hours(25), none, 0, {}, true, "unused for 25 h"},
      {"a young swap base", "swap_256", hours(2), none, 0, {}, false, "unused, but"},
      {"a used swap base", "swap_256", hours(99), {"instance a disk 'disk.swap'"}, 0, {}, false, "used by"},
      {"an old ephemeral base", "ephemeral_1_40d1d2c", hours(50), none, 0, {}, true, "unused for 2 days"},
      {"Nova's name of an ephemeral base", "ephemeral_1_0706d66", hours(50), none, 0, {}, true, "unused for"},
      {"an unexplained file", "README", hours(9999), none, 0, {}, false, "unexplained file"},
      {"an image with a future mtime", kSha1, seconds(0), none, 0, {}, false, "unused, but last used only 0 s ago"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const PruneDecision decision = decide(row, PruneRules{}, {});
    CHECK(decision.remove == row.remove);
    CHECK_MESSAGE(decision.reason.starts_with(row.reason), decision.reason);
    // Cannot know is not unused; and with the switch off nothing goes.
    CHECK_FALSE(decide(row, PruneRules{}, {"instance x can't be read"}).remove);
    CHECK_FALSE(decide(row, PruneRules{.remove_unused_base_images = false}, {}).remove);
  }
}

TEST_CASE("what a broken transfer left goes by its age alone") {
  const auto decide_transfer = [](seconds age, const PruneRules& rules) {
    BaseDirectoryEntry entry{.name = kSha1 + ".part", .key = model::CacheKey::parse(kSha1), .is_transfer = true};
    entry.age = age;
    return make_prune_plan({entry}, rules, {"instance x can't be read"}).at(0);
  };
  const PruneDecision young = decide_transfer(hours(24) - seconds(1), {});
  CHECK_FALSE(young.remove);
  CHECK(young.reason == "unfinished transfer, gone on with only 23 h ago (minimum 24 h)");
  const PruneDecision old = decide_transfer(hours(25), {.remove_unused_base_images = false});
  CHECK(old.remove);
  CHECK(old.reason == "unfinished transfer, abandoned for 25 h (minimum 24 h)");
  CHECK(decide_transfer(seconds(10), {.original_minimum_age = seconds(10)}).remove);
}

TEST_CASE("the ages are the configured ones") {
  const PruneRules rules{.original_minimum_age = seconds(10), .resized_minimum_age = seconds(5)};
  CHECK(decide({"", kSha1, seconds(10), {}, 0, {}, true, ""}, rules, {}).remove);
  CHECK_FALSE(decide({"", kSha1, seconds(9), {}, 0, {}, true, ""}, rules, {}).remove);
  CHECK(decide({"", kSha1 + "_1", seconds(5), {}, 0, {}, true, ""}, rules, {}).remove);
}

TEST_CASE("the plan is sorted by name, whatever order it was given") {
  BaseDirectoryEntry b{.name = "b", .key = {}};
  BaseDirectoryEntry a{.name = "a", .key = {}};
  const auto plan = make_prune_plan({b, a}, {}, {});
  CHECK(plan[0].entry.name == "a");
  CHECK(plan[1].entry.name == "b");
}
