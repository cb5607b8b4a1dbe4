// Random worlds of real files: instances and domains whose disks are qcow2 chains of depth one to four, pruned by the
// real thing.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <future>
#include <list>
#include <random>
#include <set>

#include "agent/base/posix_file.hpp"
#include "agent/cache/domain_leases.hpp"
#include "agent/cache/leases.hpp"
#include "agent/prune/eviction.hpp"
#include "agent/prune/pruner.hpp"
#include "backends/qemu/disk_chain.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::prune;

namespace {

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xff));
}

// A qcow2 header of version 2 and its backing file's name, as QEMU writes them; nothing of its tables.
std::string overlay_of(const Path& backing) {
  constexpr std::uint64_t header = 72;
  std::string out = "QFI\xfb";
  append_big_endian(out, 2, 4);                        // version
  append_big_endian(out, header, 8);                   // where the name is
  append_big_endian(out, backing.native().size(), 4);  // its length
  append_big_endian(out, 16, 4);                       // cluster bits
  append_big_endian(out, gibibytes(1).count, 8);       // virtual size
  append_big_endian(out, 0, 4);                        // encryption
  append_big_endian(out, 1, 4);                        // entries of the first table
  for (const std::uint64_t table : {0x30000u, 0x10000u}) append_big_endian(out, table, 8);
  append_big_endian(out, 1, 4);  // clusters of the refcount table
  append_big_endian(out, 0, 4);  // snapshots
  append_big_endian(out, 0, 8);  // where they are
  return out + backing.native();
}

struct KnownDomains : DomainInventory {
  std::vector<domain::KnownDomain> domains(const OpContext&) const override { return known; }
  std::vector<domain::KnownDomain> known;
};

struct FileWorld : FakeNode {
  explicit FileWorld(unsigned seed) : FakeNode("bytes"), random(seed) {
    const unsigned files = 1 + below(12);
    for (unsigned number = 0; number < files; ++number) make_base(number);
    const unsigned instances = below(6);
    for (unsigned number = 0; number < instances; ++number) make_instance(number);
    const unsigned domains = below(4);
    for (unsigned number = 0; number < domains; ++number) make_domain(number);
    for (const model::CacheKey& key : keys) {
      if (below(8) != 0) continue;
      pins.pin(key, "golden");
      staying.insert(key.text());
    }
    for (unsigned number = 0; number < below(4); ++number) make_transfer(number);
    for (const model::CacheKey& key : keys) {
      if (below(10) == 0) lock(key);
    }
    // Of the file system, which others use too: nothing, or more than there is.
    limits = {.max_bytes = kibibytes(below(600)), .min_free = Bytes{below(8) == 0 ? std::uint64_t{1} << 60 : 0}};
  }

  unsigned below(unsigned limit) { return static_cast<unsigned>(random() % limit); }

  // Half of them as a request does that has it on lease.
  void lock(const model::CacheKey& key) {
    staying.insert(key.text());
    if (boost::filesystem::exists(layout.fetched(key))) staying.insert(key.text() + ".part");
    if (below(2) == 0) {
      held.push_back(leases.hold(key, test_operation()));
    } else {
      lock_files.emplace_back(layout.lock_file(key)).lock();
    }
  }

  void make_transfer(unsigned number) {
    const model::CacheKey key = model::CacheKey::for_image(fmt::format("image {}", number));
    write_file(layout.fetched(key), std::string(kibibytes(4 * (1 + below(25))).count, 't'));
    write_file(layout.transfer_journal(key), "");  // takes nothing
    transfers.push_back(key);
  }

  void make_base(unsigned number) {
    keys.push_back(model::CacheKey::for_image(fmt::format("image {}", number)));
    const Path path = layout.base_file(keys.back());
    write_file(path, std::string(kibibytes(4 * (1 + below(25))).count, 'b'));
    const timespec last_use{.tv_sec = std::time(nullptr) - 100 - static_cast<std::time_t>(below(100000)), .tv_nsec = 0};
    const timespec times[2] = {last_use, last_use};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }

  void make_instance(unsigned number) {
    const Path folder = layout.instance_directory(fmt::format("9a2d629d-0000-4000-8000-{:012}", number));
    make_directories(folder);
    make_chain(folder, "disk");
  }

  // With its disk somewhere else; the hypervisor tells of it, or only its hook has.
  void make_domain(unsigned number) {
    const std::string name = fmt::format("domain-{}", number);
    const domain::KnownDomain known{.uuid = fmt::format("9a2d629d-0000-4000-9000-{:012}", number),
                                    .name = name,
                                    .files = {{make_chain(elsewhere.path(), name), "qcow2", "disk vda"}}};
    if (below(2) == 0) {
      inventory.known.push_back(known);
    } else {
      domain_leases.hold(known);
    }
  }

  // The disk on it.
  Path make_chain(const Path& folder, const std::string& name) {
    const model::CacheKey& key = keys[below(static_cast<unsigned>(keys.size()))];
    staying.insert(key.text());
    Path below_it = layout.base_file(key);
    const unsigned depth = 1 + below(4);
    for (unsigned link = 1; link <= depth; ++link) {
      const Path disk = folder / (link == depth ? name : fmt::format("{}-snapshot-{}", name, link));
      write_file(disk, overlay_of(below_it));
      below_it = disk;
    }
    return below_it;
  }

  std::set<std::string> there() const {
    std::set<std::string> found;
    for (const model::CacheKey& key : keys) {
      if (boost::filesystem::exists(layout.base_file(key))) found.insert(key.text());
    }
    for (const model::CacheKey& key : transfers) {
      if (boost::filesystem::exists(layout.fetched(key))) found.insert(key.text() + ".part");
    }
    return found;
  }

  void check_kept() const {
    for (const std::string& key : staying) CHECK_MESSAGE(there().contains(key), key);
  }

  std::mt19937 random;
  std::vector<model::CacheKey> keys;
  std::vector<model::CacheKey> transfers;
  std::set<std::string> staying;  // used, pinned or locked
  std::list<FileLock> lock_files;
  cache::Leases leases{layout};
  std::vector<std::shared_ptr<cache::BaseFileLease::Held>> held;
  cache::StorageLimits limits;
  cache::Pins pins{layout};
  qemu::DiskChain chains;
  ScratchDir elsewhere;
  KnownDomains inventory;
  cache::DomainLeases domain_leases{layout};
  UseGraph uses{layout, chains, {.domains = &inventory, .leases = &domain_leases}};
};

constexpr unsigned kFirstSeed = 4711;
constexpr unsigned kWorlds = 40;

}  // namespace

TEST_CASE("a prune of real files keeps what is used at any depth, gets below the limit if it can, and once is enough") {
  for (unsigned seed = kFirstSeed; seed < kFirstSeed + kWorlds; ++seed) {
    CAPTURE(seed);
    FileWorld world(seed);
    Pruner pruner(world.images, world.pins, world.uses, {}, world.limits);
    OpContext op = test_operation();
    const PruneReport report = pruner.prune(false, op);
    CHECK(report.unreadable.empty());
    world.check_kept();
    const cache::Capacity after = world.limits.measure(world.layout);
    CHECK((after.excess().count == 0 || world.there() == world.staying));
    CHECK(after.used == report.capacity.used);
    CHECK(pruner.prune(false, op).freed.count == 0);
  }
}

TEST_CASE("room is made of real files by what was unused longest, and of none where it would be in vain") {
  for (unsigned seed = kFirstSeed; seed < kFirstSeed + kWorlds; ++seed) {
    CAPTURE(seed);
    FileWorld world(seed);
    Eviction eviction(world.layout, world.pins, world.uses, {});
    const std::set<std::string> before = world.there();
    const Bytes needed = kibibytes(world.below(300));
    const auto measure = [&] {
      cache::Capacity capacity = world.limits.measure(world.layout).needing(needed);
      capacity.all_or_nothing = true;
      return capacity;
    };
    const cache::RoomMade made = eviction.make_room(measure, test_operation());
    world.check_kept();
    const cache::Capacity after = measure();
    CHECK((made.freed.count > 0) == (world.there() != before));
    CHECK((after.excess().count == 0 || world.there() == before));
  }
}

namespace {

// Base files of the same size, each an hour older than the next.
struct EqualFiles : FakeNode {
  explicit EqualFiles(unsigned count) : FakeNode("bytes") {
    for (unsigned number = 0; number < count; ++number) {
      keys.push_back(model::CacheKey::for_image(fmt::format("image {}", number)));
      const Path path = layout.base_file(keys.back());
      write_file(path, std::string(kSize.count, 'b'));
      const timespec last_use{.tv_sec = std::time(nullptr) - 3600 * static_cast<std::time_t>(count + 1 - number),
                              .tv_nsec = 0};
      const timespec times[2] = {last_use, last_use};
      REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    }
  }

  // The numbers of those that are there.
  std::vector<std::size_t> there() const {
    std::vector<std::size_t> found;
    for (std::size_t number = 0; number < keys.size(); ++number) {
      if (boost::filesystem::exists(layout.base_file(keys[number]))) found.push_back(number);
    }
    return found;
  }

  // As if so many of them fitted.
  cache::Capacity fitting(std::size_t count) const {
    const cache::StorageLimits limits{.max_bytes = Bytes{kSize.count * count}, .min_free = Bytes{0}};
    cache::Capacity capacity = limits.measure(layout);
    capacity.all_or_nothing = true;
    return capacity;
  }

  static constexpr Bytes kSize = kibibytes(64);
  using Left = std::vector<std::size_t>;
  std::vector<model::CacheKey> keys;
  cache::Pins pins{layout};
  qemu::DiskChain chains;
  UseGraph uses{layout, chains};
  Eviction eviction{layout, pins, uses, {}};
};

}  // namespace

TEST_CASE("another's lock keeps a base file, and the next one goes in its place") {
  EqualFiles node(3);
  FileLock file(node.layout.lock_file(node.keys[0]));
  const ExclusiveLock lock(file);
  const auto made = node.eviction.make_room([&] { return node.fitting(2); }, test_operation());
  CHECK(node.there() == EqualFiles::Left{0, 2});
  CHECK(made.freed == EqualFiles::kSize);
  CHECK(made.staying.leased == EqualFiles::kSize);

  EqualFiles pruned(3);
  FileLock other(pruned.layout.lock_file(pruned.keys[0]));
  const ExclusiveLock held(other);
  OpContext op = test_operation();
  const cache::StorageLimits limits{.max_bytes = Bytes{2 * EqualFiles::kSize.count}, .min_free = Bytes{0}};
  Pruner(pruned.images, pruned.pins, pruned.uses, {}, limits).prune(false, op);
  CHECK(pruned.there() == EqualFiles::Left{0, 2});
}

TEST_CASE("nothing is removed in vain, not even where a lock is taken at the last moment") {
  EqualFiles node(3);
  FileLock file(node.layout.lock_file(node.keys[1]));
  bool is_locked = false;
  const auto measure = [&] {
    if (!std::exchange(is_locked, true)) file.lock();
    return node.fitting(0);
  };
  const auto made = node.eviction.make_room(measure, test_operation());
  CHECK(made.freed.count == 0);
  CHECK(made.staying.leased == EqualFiles::kSize);
  CHECK(node.there() == EqualFiles::Left{0, 1, 2});
}

TEST_CASE("what another has removed meanwhile makes room too") {
  EqualFiles node(3);
  bool is_first = true;
  const auto measure = [&] {
    const cache::Capacity capacity = node.fitting(2);
    if (std::exchange(is_first, false)) boost::filesystem::remove(node.layout.base_file(node.keys[0]));
    return capacity;
  };
  CHECK(node.eviction.make_room(measure, test_operation()).freed.count == 0);
  CHECK(node.there() == EqualFiles::Left{1, 2});
}

TEST_CASE("pruners that run at the same time leave what fits") {
  EqualFiles node(60);
  const cache::StorageLimits limits{.max_bytes = Bytes{40 * EqualFiles::kSize.count}, .min_free = Bytes{0}};
  std::vector<std::future<Bytes>> pruners;
  for (int number = 0; number < 4; ++number) {
    pruners.push_back(std::async(std::launch::async, [&] {
      const PruneRules by_room{.original_minimum_age = std::chrono::hours(1000)};
      OpContext op = test_operation();
      return Pruner(node.images, node.pins, node.uses, by_room, limits).prune(false, op).freed;
    }));
  }
  Bytes freed;
  for (auto& pruner : pruners) freed = freed + pruner.get();
  CHECK(freed == Bytes{20 * EqualFiles::kSize.count});
  CHECK(node.there().size() == 40);
  CHECK(node.there().front() == 20);
}

TEST_CASE("what is in quarantine is told as staying") {
  EqualFiles node(1);
  write_file(node.layout.quarantine_directory() / "spoiled", std::string(EqualFiles::kSize.count, 'q'));
  const auto made = node.eviction.make_room([&] { return node.fitting(0); }, test_operation());
  CHECK(made.staying.quarantined == EqualFiles::kSize);
  CHECK(made.staying.text().find("64 KiB in quarantine") != std::string::npos);
}
