// Random worlds of real files: instances whose disks are qcow2 chains of depth one to four, pruned by the real thing.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <random>
#include <set>

#include "agent/base/posix_file.hpp"
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

struct FileWorld : FakeNode {
  explicit FileWorld(unsigned seed) : FakeNode("bytes"), random(seed) {
    const unsigned files = 1 + below(12);
    for (unsigned number = 0; number < files; ++number) make_base(number);
    const unsigned instances = below(6);
    for (unsigned number = 0; number < instances; ++number) make_instance(number);
    for (const model::CacheKey& key : keys) {
      if (below(8) != 0) continue;
      pins.pin(key, "golden");
      staying.insert(key.text());
    }
    limits = {.max_bytes = kibibytes(below(600)), .min_free = Bytes{0}};
  }

  unsigned below(unsigned limit) { return static_cast<unsigned>(random() % limit); }

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
    const model::CacheKey& key = keys[below(static_cast<unsigned>(keys.size()))];
    staying.insert(key.text());
    Path below_it = layout.base_file(key);
    const unsigned depth = 1 + below(4);
    for (unsigned link = 1; link <= depth; ++link) {
      const Path disk = folder / (link == depth ? "disk" : fmt::format("snapshot-{}", link));
      write_file(disk, overlay_of(below_it));
      below_it = disk;
    }
  }

  std::set<std::string> there() const {
    std::set<std::string> found;
    for (const model::CacheKey& key : keys) {
      if (boost::filesystem::exists(layout.base_file(key))) found.insert(key.text());
    }
    return found;
  }

  void check_kept() const {
    for (const std::string& key : staying) CHECK_MESSAGE(there().contains(key), key);
  }

  std::mt19937 random;
  std::vector<model::CacheKey> keys;
  std::set<std::string> staying;  // used or pinned
  cache::StorageLimits limits;
  cache::Pins pins{layout};
  qemu::DiskChain chains;
  UseGraph uses{layout, chains};
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
    cache::Capacity capacity = world.limits.measure(world.layout);
    capacity.needed = kibibytes(world.below(300));
    capacity.all_or_nothing = true;
    (void)eviction.make_room(capacity, test_operation());
    world.check_kept();
    cache::Capacity after = world.limits.measure(world.layout);
    after.needed = capacity.needed;
    CHECK((after.excess().count == 0 || world.there() == before));
  }
}

TEST_CASE("another process's lock keeps a base file, and the next one goes in its place") {
  FileWorld world(1);
  for (const model::CacheKey& key : world.keys) world.pins.unpin(key);
  const model::CacheKey& locked = world.keys.front();
  FileLock file(world.layout.lock_file(locked));
  const ExclusiveLock lock(file);
  Eviction eviction(world.layout, world.pins, world.uses, {});
  const cache::Capacity all{.max_bytes = Bytes{0}, .used = gibibytes(1)};
  const cache::StayingBytes staying = eviction.make_room(all, test_operation());
  CHECK(world.there().contains(locked.text()));
  CHECK((staying.leased + staying.under_disks).count > 0);
}
