#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>

#include "agent/prune/prune_policy.hpp"

using namespace basecache;
using namespace basecache::prune;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

std::string name_of_number(unsigned number) { return fmt::format("{:040x}", number); }

BaseDirectoryEntry image(unsigned number, seconds age, Bytes size) {
  BaseDirectoryEntry entry{.name = name_of_number(number), .key = model::CacheKey::parse(name_of_number(number))};
  entry.age = age;
  entry.allocated = size;
  return entry;
}

Bytes size_of(const std::vector<BaseDirectoryEntry>& entries) {
  Bytes total;
  for (const BaseDirectoryEntry& entry : entries) total = total + entry.allocated;
  return total;
}

// A node: base files and transfers, instances with chains that end at some of them, domains, pins, leases; its disk is
// more or less full, and somebody may need room.
struct World {
  explicit World(unsigned seed) : random(seed) {
    const unsigned files = below(24);
    for (unsigned number = 0; number < files; ++number) entries.push_back(make_entry(number));
    const unsigned instances = below(8);
    for (unsigned number = 0; number < instances && files > 0; ++number) make_user(number);
    if (below(8) == 0) unreadable.emplace_back("instance x can't be read");
    rules.remove_unused_base_images = below(8) != 0;
    rules.original_minimum_age = seconds(below(2) == 0 ? 24 * 3600 : below(100));
    capacity.used = size_of(entries) + mebibytes(below(100));
    if (below(2) == 0) capacity.max_bytes = mebibytes(below(3000));
    capacity.min_free = mebibytes(below(300));
    capacity.free = mebibytes(below(1000));
    capacity.needed = mebibytes(below(3) == 0 ? below(2000) : 0);
    capacity.all_or_nothing = below(2) == 0;
  }

  unsigned below(unsigned limit) { return static_cast<unsigned>(random() % limit); }

  BaseDirectoryEntry make_entry(unsigned number) {
    BaseDirectoryEntry entry = image(number, seconds(below(below(2) == 0 ? 200 : 200000)), mebibytes(below(300)));
    switch (below(10)) {
      case 0:
        entry.is_transfer = true;
        entry.name += ".part";
        break;
      case 1:
        entry.key.reset();
        break;
      case 2:
        entry.leases = 1 + below(3);
        break;
      case 3:
        entry.pin = "";
        break;
      case 4:
        entry.busy = "its lock is held";
        break;
      default:
        break;
    }
    return entry;
  }

  // Disks and base files that stand on each other, one to four deep: each base file in it is used.
  void make_user(unsigned number) {
    const unsigned depth = 1 + below(4);
    const char* kind = below(3) == 0 ? "domain" : "instance";
    for (unsigned link = 0; link < depth; ++link) {
      BaseDirectoryEntry& entry = entries[below(static_cast<unsigned>(entries.size()))];
      if (entry.key && !entry.is_transfer) entry.users.push_back(fmt::format("{} {} disk 'disk'", kind, number));
    }
  }

  std::mt19937 random;
  std::vector<BaseDirectoryEntry> entries;
  std::vector<std::string> unreadable;
  PruneRules rules;
  cache::Capacity capacity;
};

// Written down a second time, on purpose in other words than the plan's.
bool must_stay(const World& world, const BaseDirectoryEntry& entry) {
  if (entry.busy) return true;
  if (entry.is_transfer) return false;
  return !entry.key || !entry.users.empty() || entry.leases > 0 || entry.pin || !world.unreadable.empty() ||
         !world.rules.remove_unused_base_images;
}

bool is_old(const World& world, const BaseDirectoryEntry& entry) {
  return entry.age >= world.rules.original_minimum_age;
}

bool can_go_for_room(const World& world, const BaseDirectoryEntry& entry) {
  return !must_stay(world, entry) && (entry.is_transfer || entry.age >= seconds(60) || is_old(world, entry));
}

std::vector<BaseDirectoryEntry> kept_by(const std::vector<PruneDecision>& plan) {
  std::vector<BaseDirectoryEntry> kept;
  for (const PruneDecision& decision : plan) {
    if (!decision.remove) kept.push_back(decision.entry);
  }
  return kept;
}

void check_world(unsigned seed) {
  const World world(seed);
  CAPTURE(seed);
  const auto plan = make_prune_plan(world.entries, world.rules, world.unreadable, world.capacity);
  REQUIRE(plan.size() == world.entries.size());
  Bytes could_go;
  std::vector<const BaseDirectoryEntry*> for_room;
  cache::Capacity after = world.capacity;
  for (const PruneDecision& decision : plan) {
    CHECK_FALSE(decision.reason.empty());
    if (can_go_for_room(world, decision.entry)) could_go = could_go + decision.entry.allocated;
    if (!decision.remove) {
      CHECK((must_stay(world, decision.entry) || !is_old(world, decision.entry)));
      continue;
    }
    REQUIRE_FALSE(must_stay(world, decision.entry));
    REQUIRE(can_go_for_room(world, decision.entry));
    after = after.without(decision.entry.allocated);
    if (!is_old(world, decision.entry)) for_room.push_back(&decision.entry);
  }

  // Below the limits whenever that is possible; if it isn't, all that helps has gone, or nothing for who needs it all.
  const bool possible = world.capacity.without(could_go).excess().count == 0;
  CHECK((after.excess().count == 0) == possible);
  if (!possible && world.capacity.all_or_nothing) CHECK(for_room.empty());
  if (!possible && !world.capacity.all_or_nothing) CHECK(after.used == world.capacity.without(could_go).used);

  // Nothing went too soon: without the last one it wouldn't fit, and all that stay were used later.
  const auto goes_later = [](const BaseDirectoryEntry* a, const BaseDirectoryEntry* b) {
    return std::tuple(!a->is_transfer, -a->age.count(), -static_cast<std::int64_t>(a->allocated.count), a->name) <
           std::tuple(!b->is_transfer, -b->age.count(), -static_cast<std::int64_t>(b->allocated.count), b->name);
  };
  if (!for_room.empty()) {
    const BaseDirectoryEntry* last = *std::ranges::max_element(for_room, goes_later);
    cache::Capacity before_last = after;
    before_last.used = before_last.used + last->allocated;
    before_last.free = before_last.free - last->allocated;
    CHECK(before_last.excess().count > 0);
    for (const PruneDecision& decision : plan) {
      const BaseDirectoryEntry& entry = decision.entry;
      if (decision.remove || entry.allocated.count == 0 || !can_go_for_room(world, entry)) continue;
      CHECK(goes_later(last, &entry));
    }
  }

  // A second pass over what is left finds nothing to do.
  for (const PruneDecision& decision : make_prune_plan(kept_by(plan), world.rules, world.unreadable, after)) {
    CHECK_FALSE(decision.remove);
  }
}

const PruneDecision& decision_of(const std::vector<PruneDecision>& plan, unsigned number) {
  return *std::ranges::find(plan, name_of_number(number), [](const PruneDecision& d) { return d.entry.name; });
}

}  // namespace

TEST_CASE("in any world nothing used goes, the limits are kept where they can be, by what was unused longest") {
  constexpr unsigned kWorlds = 5000;
  constexpr unsigned kFirstSeed = 20261122;
  MESSAGE("worlds of the seeds " << kFirstSeed << " to " << kFirstSeed + kWorlds - 1);
  for (unsigned seed = kFirstSeed; seed < kFirstSeed + kWorlds; ++seed) check_world(seed);
}

TEST_CASE("above its limit the cache loses what was unused longest, whatever its age, and no more than it has to") {
  const cache::Capacity capacity{.max_bytes = gibibytes(10), .used = gibibytes(12), .free = gibibytes(100)};
  const auto plan = make_prune_plan(
      {image(1, hours(1), gibibytes(4)), image(2, hours(3), gibibytes(3)), image(3, hours(2), gibibytes(5))}, {}, {},
      capacity);
  CHECK_FALSE(decision_of(plan, 1).remove);
  CHECK_FALSE(decision_of(plan, 3).remove);
  CHECK(decision_of(plan, 2).remove);
  CHECK(decision_of(plan, 2).reason == "unused, last used 3 h ago; the cache has 12 GiB of at most 10 GiB");
  CHECK(decision_of(plan, 1).reason == "unused, but last used only 60 min ago (minimum 24 h)");
}

TEST_CASE("a file system that is too full is a reason, and so is who needs room") {
  const cache::Capacity full{.min_free = gibibytes(2), .free = gibibytes(1)};
  const auto for_free = make_prune_plan({image(1, hours(3), gibibytes(4))}, {}, {}, full);
  CHECK(for_free[0].reason ==
        "unused, last used 3 h ago; of its file system 1 GiB are free, of which 2 GiB have to stay free");
  const cache::Capacity needing{.free = gibibytes(1), .needed = gibibytes(2)};
  const auto for_need = make_prune_plan({image(1, hours(3), gibibytes(4))}, {}, {}, needing);
  CHECK(for_need[0].reason ==
        "unused, last used 3 h ago; 2 GiB more are needed, and of its file system 1 GiB are free, of which 0 B have to "
        "stay free");
}

TEST_CASE("nothing goes in vain for who needs all of it") {
  cache::Capacity capacity{.free = gibibytes(1), .needed = gibibytes(20), .all_or_nothing = true};
  const std::vector<BaseDirectoryEntry> entries{image(1, hours(3), gibibytes(4))};
  CHECK_FALSE(make_prune_plan(entries, {}, {}, capacity)[0].remove);
  capacity.all_or_nothing = false;
  CHECK(make_prune_plan(entries, {}, {}, capacity)[0].remove);
}

TEST_CASE("for what is only wished to be kept free nothing goes unless somebody needs room, then as much as can") {
  cache::Capacity wish{.min_free = gibibytes(10), .min_free_is_wish = true, .free = gibibytes(5)};
  const std::vector<BaseDirectoryEntry> entries{image(1, hours(3), gibibytes(4)), image(2, hours(2), gibibytes(4))};
  const auto removed = [&] {
    return std::ranges::count(make_prune_plan(entries, {}, {}, wish), true, &PruneDecision::remove);
  };
  CHECK(removed() == 0);
  wish.needed = gibibytes(3);
  wish.all_or_nothing = true;
  CHECK(removed() == 2);
  wish.needed = gibibytes(4);  // can't be had with the wish, and fits without it
  CHECK(removed() == 0);
  wish.needed = gibibytes(6);
  CHECK(removed() == 1);
  wish.needed = gibibytes(14);
  CHECK(removed() == 0);
}

TEST_CASE("a base file that was used within the last minute stays even then, unless the ages are shorter") {
  const cache::Capacity capacity{.max_bytes = Bytes{0}, .used = gibibytes(1)};
  CHECK_FALSE(make_prune_plan({image(1, seconds(59), gibibytes(1))}, {}, {}, capacity)[0].remove);
  CHECK(make_prune_plan({image(1, seconds(60), gibibytes(1))}, {}, {}, capacity)[0].remove);
  const PruneRules at_once{.original_minimum_age = seconds(0)};
  CHECK(make_prune_plan({image(1, seconds(0), gibibytes(1))}, at_once, {}, capacity)[0].remove);
}

TEST_CASE("unfinished transfers go first, even while nobody can tell who uses the base files") {
  BaseDirectoryEntry transfer = image(1, seconds(5), gibibytes(1));
  transfer.is_transfer = true;
  const cache::Capacity capacity{.max_bytes = gibibytes(1), .used = gibibytes(3)};
  const auto plan = make_prune_plan({transfer, image(2, hours(5), gibibytes(2))}, {}, {"unreadable"}, capacity);
  CHECK(decision_of(plan, 1).remove);
  CHECK(decision_of(plan, 1).reason ==
        "unfinished transfer, gone on with 5 s ago; the cache has 3 GiB of at most 1 GiB");
  CHECK_FALSE(decision_of(plan, 2).remove);
}

TEST_CASE("a base file whose image was withdrawn goes when it isn't used, nor was a moment ago") {
  BaseDirectoryEntry unused = image(1, seconds(60), gibibytes(1));
  unused.withdrawn = "its image was deactivated";
  BaseDirectoryEntry used = image(2, seconds(60), gibibytes(1));
  used.withdrawn = unused.withdrawn;
  used.users = {"instance a disk 'disk'"};
  BaseDirectoryEntry used_now = image(3, seconds(59), gibibytes(1));
  used_now.withdrawn = unused.withdrawn;
  const auto plan = make_prune_plan({unused, used, used_now}, {}, {});
  CHECK(decision_of(plan, 1).remove);
  CHECK(decision_of(plan, 1).reason == "unused, and its image was deactivated");
  CHECK_FALSE(decision_of(plan, 2).remove);
  CHECK_FALSE(decision_of(plan, 3).remove);
  CHECK(decision_of(make_prune_plan({used_now}, {.original_minimum_age = seconds(10)}, {}), 3).remove);
}

TEST_CASE("what a plan keeps is told by why") {
  BaseDirectoryEntry used = image(1, hours(1), mebibytes(1));
  used.users = {"instance a disk 'disk'"};
  BaseDirectoryEntry leased = image(2, hours(1), mebibytes(2));
  leased.leases = 1;
  BaseDirectoryEntry pinned = image(3, hours(1), mebibytes(4));
  pinned.pin = "golden";
  const auto plan = make_prune_plan({used, leased, pinned, image(4, hours(1), mebibytes(8))}, {}, {});
  const cache::StayingBytes staying = staying_bytes(plan, true);
  CHECK(staying.under_disks == mebibytes(1));
  CHECK(staying.leased == mebibytes(2));
  CHECK(staying.pinned == mebibytes(4));
  CHECK(staying.others == mebibytes(8));
  CHECK(staying.text() ==
        "1 MiB under disks, 2 MiB held by running requests, 4 MiB pinned, 8 MiB that stay for other reasons");
}
