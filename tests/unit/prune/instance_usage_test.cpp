// Directories and disks that are renamed while they are looked at, and links to what isn't mounted.
#include "agent/prune/instance_usage.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <functional>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/layout/state_files.hpp"
#include "agent/prune/domain_usage.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::prune;

namespace {

const std::string kFirst = "9a2d629d-0000-4000-8000-000000000001";
const std::string kSecond = "9a2d629d-0000-4000-8000-000000000002";

// A disk whose whole content is the path of its backing file. Somebody may do something before one is read.
class RestlessDisks : public DiskChainReader {
 public:
  std::optional<BackingFile> backing_file(const Path& disk, const std::string& format) const override {
    if (before_reading) before_reading(disk);
    const auto found = read_small_file(disk);
    if (!found) throw Error(ErrorCode::storage_unusable, "it is gone");
    const std::string& content = *found;
    if (format == "raw" || content.empty()) return std::nullopt;
    return BackingFile{.name = content, .format = "raw"};
  }
  std::function<void(const Path& disk)> before_reading;
};

struct RestlessNode {
  RestlessNode() {
    layout::prepare_directories(layout);
    write_file(layout.base_file(key), "");
  }
  Path instance(const std::string& name) {
    const Path directory = layout.instances_path() / name;
    make_directories(directory);
    write_file(directory / "disk", layout.base_file(key).native());
    return directory;
  }
  Usage collect() const {
    ChainWalk walk(layout, disks);
    collect_instances(layout, walk);
    return walk.take();
  }
  Usage collect_domain(const Path& disk) const {
    ChainWalk walk(layout, disks);
    collect_domains({{.uuid = kFirst, .name = "web01", .files = {{disk, "qcow2", "disk vda"}}}}, ToldBy::hypervisor,
                    layout, walk);
    return walk.take();
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch / "instances"};
  model::CacheKey key = model::CacheKey::for_image("image");
  RestlessDisks disks;
};

}  // namespace

TEST_CASE("an instance whose directory is renamed while we look uses its base file, whatever is read first") {
  for (const std::string& other : {kFirst, kSecond}) {
    CAPTURE(other);
    RestlessNode node;
    const Path directory = node.instance(kFirst);
    node.instance(kSecond);
    const Path resized = directory.native() + "_resize";
    bool is_first = true;
    node.disks.before_reading = [&](const Path& disk) {
      if (!is_first || disk.parent_path().filename() != other) return;
      is_first = false;
      boost::filesystem::rename(directory, resized);
    };
    if (other == kSecond) write_file(node.layout.instances_path() / kSecond / "disk", "");
    const Usage usage = node.collect();
    CHECK_FALSE(is_first);
    CHECK(usage.unreadable.empty());
    CHECK(usage.users.contains(node.key));
  }
}

TEST_CASE("a directory that is renamed there and back, and one that others take the name of, are looked at") {
  RestlessNode node;
  const Path directory = node.instance(kFirst);
  const Path resized = directory.native() + "_resize";
  int reads = 0;
  node.disks.before_reading = [&](const Path&) {
    if (++reads == 1) boost::filesystem::rename(directory, resized);
    if (reads == 2) boost::filesystem::rename(resized, directory);
  };
  const Usage usage = node.collect();
  CHECK(reads > 2);
  CHECK(usage.users.contains(node.key));

  RestlessNode taken;
  const Path name = taken.instance(kFirst);
  write_file(name / "disk", "");
  bool is_first = true;
  taken.disks.before_reading = [&](const Path&) {
    if (!std::exchange(is_first, false)) return;
    boost::filesystem::rename(name, name.native() + "_resize");
    taken.instance(kFirst);
  };
  CHECK(taken.collect().users.contains(taken.key));
}

TEST_CASE("a disk that is renamed while we look is in use") {
  RestlessNode node;
  const Path disk = node.instance(kFirst) / "disk";
  bool is_first = true;
  node.disks.before_reading = [&](const Path& path) {
    if (std::exchange(is_first, false)) boost::filesystem::rename(path, path.native() + ".rbase");
  };
  CHECK(node.collect().users.contains(node.key));
}

TEST_CASE("where names change without end usage is unknown") {
  RestlessNode node;
  node.instance(kFirst);
  int number = 0;
  node.disks.before_reading = [&](const Path& disk) {
    const Path directory = disk.parent_path();
    boost::filesystem::rename(directory, directory.parent_path() / ("instance-" + std::to_string(++number)));
  };
  CHECK(node.collect().unreadable.size() == 1);
  CHECK(number < 100);
}

TEST_CASE("a link to what isn't there makes usage unknown, of an instance, of a disk and of a domain's disk") {
  RestlessNode node;
  const Path link = node.layout.instances_path() / kFirst;
  boost::filesystem::create_symlink(node.scratch / "unmounted", link);
  REQUIRE(node.collect().unreadable.size() == 1);
  CHECK(node.collect().unreadable.front().find("mount what it leads to") != std::string::npos);
  CHECK(node.collect_domain(link / "disk").unreadable.size() == 1);
  boost::filesystem::remove(link);
  CHECK(node.collect().unreadable.empty());
  CHECK(node.collect_domain(link / "disk").unreadable.empty());

  const Path disk = node.instance(kFirst) / "disk.local";
  boost::filesystem::create_symlink(node.scratch / "unmounted", disk);
  CHECK(node.collect().unreadable.size() == 1);
  CHECK(node.collect_domain(disk).unreadable.size() == 1);
}
