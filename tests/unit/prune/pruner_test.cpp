#include "agent/prune/pruner.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/fetch/staged_transfer.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::prune;

namespace {

// A disk whose whole content names its backing file ("backing:<path>", "backing:<path>|<its format>"); "damaged" can't
// be understood.
class FakeChainReader : public DiskChainReader {
 public:
  std::optional<BackingFile> backing_file(const Path& disk, const std::string& recorded_format) const override {
    if (on_read) on_read();
    if (recorded_format == "raw") return std::nullopt;
    const std::string content = read_file(disk);
    if (content == "damaged") throw Error(ErrorCode::storage_unusable, "header of the disk can't be understood");
    if (!content.starts_with("backing:")) return std::nullopt;
    const std::size_t end = content.find('|');
    if (end == std::string::npos) return BackingFile{.name = content.substr(8), .format = {}};
    return BackingFile{.name = content.substr(8, end - 8), .format = content.substr(end + 1)};
  }
  std::function<void()> on_read;
};

const std::string kFirst = "9a2d629d-0000-4000-8000-000000000001";

struct PruneNode : FakeNode {
  PruneNode() : FakeNode("bytes") {}

  // A base file that was last used two days ago.
  Path old_base(const model::CacheKey& key) {
    write_file(layout.base_file(key), "base");
    return aged(layout.base_file(key));
  }
  static Path aged(const Path& path) {
    const timespec old{.tv_sec = std::time(nullptr) - 2 * 24 * 3600, .tv_nsec = 0};
    const timespec times[2] = {old, old};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    return path;
  }
  void leave_transfer() {
    fetch::StagedTransfer transfer(layout, image, "image");
    transfer.start({.size = std::nullopt, .version = "v1"});
    transfer.append(bytes_of(std::string(1 << 20, 'x')));
  }
  Path disk(const Path& directory, const std::string& name, const std::string& content) {
    make_directories(directory);
    write_file(directory / name, content);
    return directory / name;
  }
  PruneReport prune(bool dry_run = false) {
    OpContext op = test_operation();
    return pruner.prune(dry_run, op);
  }
  static const PruneDecision& decision(const PruneReport& report, const std::string& name) {
    for (const PruneDecision& one : report.decisions) {
      if (one.entry.name == name) return one;
    }
    FAIL("no decision about " << name);
    return report.decisions.front();
  }

  ScratchDir outside;  // of instances_path
  model::CacheKey image = model::CacheKey::for_image("image");
  cache::Pins pins{layout};
  FakeChainReader reader;
  UseGraph uses{layout, reader};
  Pruner pruner{images, pins, uses, PruneRules{}};
};

ErrorCode remove_error(PruneNode& node) {
  OpContext op = test_operation();
  try {
    node.pruner.remove(node.image, op);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("an old unused base file goes with its record, a dry run only says so") {
  PruneNode node;
  node.old_base(node.image);
  cache::write_record(node.layout, node.image, {.origin = "image"}, node.layout.base_file(node.image));
  CHECK(PruneNode::decision(node.prune(true), node.image.text()).remove);
  CHECK(boost::filesystem::exists(node.layout.base_file(node.image)));
  const PruneReport report = node.prune();
  CHECK(PruneNode::decision(report, node.image.text()).remove);
  CHECK(report.freed.count > 0);
  CHECK_FALSE(boost::filesystem::exists(node.layout.base_file(node.image)));
  CHECK_FALSE(boost::filesystem::exists(node.layout.record(node.image)));
}

TEST_CASE("what is no file among our remarks stops no prune") {
  PruneNode node;
  node.old_base(node.image);
  const Path remarks[] = {node.layout.unfit(node.image), node.layout.refusal(node.image)};
  for (const Path& remark : remarks) {
    make_directories(remark);
    write_file(remark / "somebody's", "x");
    PruneNode::aged(remark);
  }
  CHECK(PruneNode::decision(node.prune(), node.image.text()).remove);
  CHECK_FALSE(boost::filesystem::exists(node.layout.base_file(node.image)));
  for (const Path& remark : remarks) CHECK(boost::filesystem::exists(remark));
}

TEST_CASE("a base file is used through any disk, any depth, any spelling of the path, staged instances included") {
  struct Row {
    const char* what;
    void (*arrange)(PruneNode&, const Path& base);
  };
  const Row rows[] = {
      {"the root disk",
       [](PruneNode& n, const Path& base) {
         n.disk(n.layout.instance_directory(kFirst), "disk", "backing:" + base.native());
       }},
      {"a disk in a directory of its directory",
       [](PruneNode& n, const Path& base) {
         n.disk(n.layout.instance_directory(kFirst) / "snapshots" / "tmp1", "delta", "backing:" + base.native());
       }},
      {"another disk than the root disk",
       [](PruneNode& n, const Path& base) {
         n.disk(n.layout.instance_directory(kFirst), "disk.eph3", "backing:" + base.native());
       }},
      {"an instance in the making",
       [](PruneNode& n, const Path& base) {
         n.disk(n.layout.staged_instance_directory(kFirst), "disk", "backing:" + base.native());
       }},
      {"a chain of three, outside the instance directory",
       [](PruneNode& n, const Path& base) {
         const Path low = n.disk(n.outside / "elsewhere", "low", "backing:" + base.native());
         const Path middle = n.disk(n.outside / "elsewhere", "middle", "backing:low");
         n.disk(n.layout.instance_directory(kFirst), "disk", "backing:" + middle.native());
         (void)low;
       }},
      {"a relative name",
       [](PruneNode& n, const Path& base) {
         n.disk(n.layout.instance_directory(kFirst), "disk", "backing:../_base/" + base.filename().native());
       }},
      {"a name through a symlink",
       [](PruneNode& n, const Path& base) {
         boost::filesystem::create_symlink(n.layout.base_directory(), n.outside / "link");
         n.disk(n.layout.instance_directory(kFirst), "disk",
                "backing:" + (n.outside / "link" / base.filename()).native());
       }},
      {"a hard link to the base file itself",
       [](PruneNode& n, const Path& base) {
         make_directories(n.layout.instance_directory(kFirst));
         boost::filesystem::create_hard_link(base, n.layout.instance_directory(kFirst) / "kernel");
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.what));
    PruneNode node;
    const Path base = node.old_base(node.image);
    row.arrange(node, base);
    const PruneReport report = node.prune();
    const std::string reason = PruneNode::decision(report, node.image.text()).reason;
    CAPTURE(reason);
    CHECK(reason.starts_with("used by instance " + kFirst));
    CHECK(boost::filesystem::exists(base));
    CHECK(remove_error(node) == ErrorCode::in_use);
  }
}

TEST_CASE("a disk that disk.info calls raw is not looked into, whatever its guest wrote there") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  const Path directory = node.layout.instance_directory(kFirst);
  const Path disk = node.disk(directory, "disk", "backing:" + base.native());
  write_file(directory / "disk.info", "{\"" + disk.native() + "\": \"raw\"}");
  CHECK(PruneNode::decision(node.prune(), node.image.text()).remove);
}

TEST_CASE("however disk.info spells a disk's path, its word for it holds") {
  for (const char* spelling : {"/srv/link/"
                               "%/disk",
                               "/srv//instances/./%/disk", "%/disk"}) {
    CAPTURE(std::string(spelling));
    PruneNode node;
    const Path base = node.old_base(node.image);
    const Path directory = node.layout.instances_path() / (kFirst + "_resize");
    node.disk(directory, "disk", "backing:" + base.native());
    std::string path = spelling;
    path.replace(path.find('%'), 1, kFirst);
    write_file(directory / "disk.info", "{\"" + path + "\": \"raw\", \"/elsewhere/disk.local\": \"qcow2\"}");
    CHECK(PruneNode::decision(node.prune(), node.image.text()).remove);
  }
}

TEST_CASE("a word for a disk holds for the directory that disk.info is in") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  const Path directory = node.layout.instance_directory(kFirst);
  const Path disk = node.disk(directory, "disk", "plain");
  write_file(directory / "disk.info", "{\"" + disk.native() + "\": \"raw\"}");
  node.disk(directory / "snapshots", "disk", "backing:" + base.native());
  CHECK_FALSE(PruneNode::decision(node.prune(), node.image.text()).remove);
}

TEST_CASE("two words for one disk are none") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  const Path directory = node.layout.instance_directory(kFirst);
  node.disk(directory, "disk", "backing:" + base.native());
  write_file(directory / "disk.info", R"({"/a/disk": "raw", "/b/disk": "qcow2"})");
  CHECK_FALSE(PruneNode::decision(node.prune(), node.image.text()).remove);
}

TEST_CASE("what is in an instance directory and no overlay by its name is not looked into, whatever is written there") {
  for (const char* name : {"console.log", "console.log.0", "kernel", "ramdisk", "kernel.rescue", "ramdisk.rescue",
                           "disk.config", "disk.config.rescue"}) {
    CAPTURE(std::string(name));
    PruneNode node;
    const Path base = node.old_base(node.image);
    const Path directory = node.layout.instance_directory(kFirst);
    const Path file = node.disk(directory, name, "backing:" + base.native());
    write_file(directory / "disk.info", "{\"" + file.native() + "\": \"qcow2\"}");
    CHECK(PruneNode::decision(node.prune(), node.image.text()).remove);
  }
}

TEST_CASE("a backing file is what the disk on it says that it is, else what its own record says") {
  struct Row {
    const char* what;
    const char* says;  // the disk
    std::optional<model::DiskFormat> record;
    bool removes;
  };
  for (const Row& row : {Row{"the disk says raw", "|raw", {}, true}, Row{"the disk says qcow2", "|qcow2", {}, false},
                         Row{"the record says raw", "", model::DiskFormat::raw, true},
                         Row{"the disk overrules the record", "|qcow2", model::DiskFormat::raw, false},
                         Row{"nobody says anything", "", {}, false}}) {
    CAPTURE(std::string(row.what));
    PruneNode node;
    const Path named = node.old_base(node.image);
    const model::CacheKey key = model::CacheKey::for_image("a raw image that looks like an overlay");
    const Path base = node.old_base(key);
    write_file(base, "backing:" + named.native());
    if (row.record) cache::write_record(node.layout, key, {.origin = "image", .format = *row.record}, base);
    node.disk(node.layout.instance_directory(kFirst), "disk", "backing:" + base.native() + row.says);
    const PruneReport report = node.prune(true);
    CHECK(PruneNode::decision(report, node.image.text()).remove == row.removes);
    CHECK_FALSE(PruneNode::decision(report, key.text()).remove);
  }
}

TEST_CASE("what only an unrecorded disk's header says is told as such") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  const Path disk = node.disk(node.layout.instance_directory(kFirst), "disk", "backing:" + base.native());
  CHECK(PruneNode::decision(node.prune(), node.image.text()).reason ==
        "used by instance " + kFirst + " disk 'disk' (by its header alone: disk.info doesn't know it)");
  write_file(disk, "damaged");
  CHECK(node.prune().unreadable.front().find("disk.info doesn't know it") != std::string::npos);
}

TEST_CASE("a disk that is recorded as raw may be a device") {
  PruneNode node;
  node.old_base(node.image);
  const Path folder = node.layout.instance_directory(kFirst);
  node.disk(folder, "disk.info", R"({")" + (folder / "disk").native() + R"(": "raw"})");
  boost::filesystem::create_symlink("/dev/null", folder / "disk");
  CHECK(PruneNode::decision(node.prune(), node.image.text()).remove);
}

TEST_CASE("what can't be read stops the prune and is named") {
  struct Row {
    const char* what;
    void (*arrange)(PruneNode&);
  };
  const Row rows[] = {
      {"a damaged disk", [](PruneNode& n) { n.disk(n.layout.instance_directory(kFirst), "disk", "damaged"); }},
      {"a damaged disk.info", [](PruneNode& n) { n.disk(n.layout.instance_directory(kFirst), "disk.info", "{"); }},
      {"a disk that is no file, and not recorded as raw",
       [](PruneNode& n) {
         make_directories(n.layout.instance_directory(kFirst));
         boost::filesystem::create_symlink("/dev/null", n.layout.instance_directory(kFirst) / "disk");
       }},
      {"a chain that bites its tail",
       [](PruneNode& n) {
         n.disk(n.layout.instance_directory(kFirst), "a", "backing:b");
         n.disk(n.layout.instance_directory(kFirst), "b", "backing:a");
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.what));
    PruneNode node;
    const Path base = node.old_base(node.image);
    row.arrange(node);
    const PruneReport report = node.prune();
    REQUIRE_FALSE(report.unreadable.empty());
    CHECK(report.unreadable.front().find(kFirst) != std::string::npos);
    CHECK(boost::filesystem::exists(base));
    CHECK(remove_error(node) == ErrorCode::in_use);
  }
}

TEST_CASE("a base file that is used while the prune runs stays") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  node.disk(node.layout.instance_directory(kFirst), "disk", "plain");
  node.reader.on_read = [&] { boost::filesystem::last_write_time(base, std::time(nullptr) - 2 * 24 * 3600 + 1); };
  CHECK(PruneNode::decision(node.prune(), node.image.text()).reason == "used since this prune began");
  CHECK(boost::filesystem::exists(base));
}

TEST_CASE("what a prune finds in use is marked as used, so that its age begins when its last user has gone") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  const Path disk = node.disk(node.layout.instance_directory(kFirst), "disk", "backing:" + base.native());
  const auto age = [&] { return PruneNode::decision(node.prune(true), node.image.text()).entry.age; };
  CHECK(age() > std::chrono::hours(47));
  CHECK(age() > std::chrono::hours(47));  // a dry run changes nothing
  node.prune();
  CHECK(age() < std::chrono::hours(1));
  remove_file(disk);
  CHECK_FALSE(PruneNode::decision(node.prune(), node.image.text()).remove);
  PruneNode::aged(base);
  CHECK(PruneNode::decision(node.prune(), node.image.text()).remove);
}

TEST_CASE("a locked, a leased and a pinned base file stay") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  {
    FileLock file(node.layout.lock_file(node.image));
    const SharedLock lease_of_another_process(file);
    CHECK(PruneNode::decision(node.prune(), node.image.text()).reason.starts_with("its lock is held"));
    CHECK(remove_error(node) == ErrorCode::in_use);
  }
  node.pins.pin(node.image, "golden");
  CHECK(PruneNode::decision(node.prune(), node.image.text()).reason == "pinned: golden");
  CHECK(remove_error(node) == ErrorCode::in_use);
  node.pins.unpin(node.image);
  CHECK(PruneNode::decision(node.prune(), node.image.text()).remove);
  CHECK_FALSE(boost::filesystem::exists(base));
}

TEST_CASE("an abandoned transfer goes with its journal, a dry run only says so, one that is gone on with stays") {
  PruneNode node;
  const std::string name = node.image.text() + ".part";
  node.leave_transfer();
  CHECK_FALSE(PruneNode::decision(node.prune(), name).remove);
  PruneNode::aged(node.layout.fetched(node.image));
  CHECK(PruneNode::decision(node.prune(true), name).remove);
  {
    FileLock file(node.layout.lock_file(node.image));
    const ExclusiveLock builder(file);
    CHECK(PruneNode::decision(node.prune(), name).reason.starts_with("its lock is held"));
    CHECK(remove_error(node) == ErrorCode::in_use);
  }
  CHECK(fetch::find_left_transfer(node.layout, node.image));
  const PruneReport report = node.prune();
  CHECK(PruneNode::decision(report, name).remove);
  CHECK(report.freed >= mebibytes(1));
  CHECK_FALSE(boost::filesystem::exists(node.layout.fetched(node.image)));
  CHECK_FALSE(boost::filesystem::exists(node.layout.transfer_journal(node.image)));
}

TEST_CASE("what stands in a transfer's place and is no file is no transfer, whatever its journal says") {
  PruneNode node;
  node.leave_transfer();
  const Path staged = node.layout.fetched(node.image);
  remove_file(staged);
  boost::filesystem::create_directory(staged);
  PruneNode::aged(staged);
  CHECK(node.prune().decisions.empty());
  CHECK(remove_error(node) == ErrorCode::not_found);
  CHECK(boost::filesystem::is_directory(staged));
}

TEST_CASE("removing a base file that isn't there yet removes what a broken transfer of it left") {
  PruneNode node;
  node.leave_transfer();
  OpContext op = test_operation();
  CHECK(node.pruner.remove(node.image, op) >= mebibytes(1));
  CHECK_FALSE(boost::filesystem::exists(node.layout.fetched(node.image)));
  CHECK_FALSE(boost::filesystem::exists(node.layout.transfer_journal(node.image)));
  CHECK(remove_error(node) == ErrorCode::not_found);
}

TEST_CASE("removing forgets that an image was refused, and a prune forgets it by age") {
  PruneNode node;
  write_file(node.layout.refusal(node.image), "{}");
  OpContext op = test_operation();
  CHECK(node.pruner.remove(node.image, op) == Bytes{0});
  CHECK(remove_error(node) == ErrorCode::not_found);

  write_file(node.layout.refusal(node.image), "{}");
  CHECK(node.prune().refusals_forgotten == 0);
  PruneNode::aged(node.layout.refusal(node.image));
  CHECK(node.prune(true).refusals_forgotten == 0);
  CHECK(node.prune().refusals_forgotten == 1);
}

TEST_CASE("a base file stays in its place while its users are known or can't be known") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  const OpContext op = test_operation();
  CHECK_FALSE(node.uses.reason_to_stay(node.image, op));
  const Path disk = node.disk(node.layout.instance_directory(kFirst), "disk", "backing:" + base.native());
  write_file(disk.parent_path() / "disk.info", "{\"" + disk.native() + "\": \"qcow2\"}");
  CHECK(node.uses.reason_to_stay(node.image, op) == "used by instance " + kFirst + " disk 'disk'");
  write_file(disk, "damaged");
  CHECK(node.uses.reason_to_stay(node.image, op).value_or("").starts_with("who uses it can't be told: "));
}

TEST_CASE("unexplained files are named and left, staged files and our own state are not mentioned") {
  PruneNode node;
  PruneNode::aged(
      (write_file(node.layout.base_directory() / "mystery", "x"), node.layout.base_directory() / "mystery"));
  write_file(node.layout.fetched(node.image), "half");
  const PruneReport report = node.prune();
  REQUIRE(report.decisions.size() == 1);
  CHECK(report.decisions[0].reason.starts_with("unexplained file"));
}

TEST_CASE("removing takes a base file of any age that nobody uses, and says when there is none") {
  PruneNode node;
  CHECK(remove_error(node) == ErrorCode::not_found);
  write_file(node.layout.base_file(node.image), "base");
  OpContext op = test_operation();
  CHECK(node.pruner.remove(node.image, op).count > 0);
  CHECK_FALSE(boost::filesystem::exists(node.layout.base_file(node.image)));
}

TEST_CASE("a removal holds no lock while it looks for users") {
  PruneNode node;
  const Path base = node.old_base(node.image);
  node.disk(node.layout.instances_path() / kFirst, "disk", "backing:" + base.native());
  node.reader.on_read = [&] { CHECK(FileLock(node.layout.lock_file(node.image)).try_lock()); };
  CHECK(remove_error(node) == ErrorCode::in_use);
}
