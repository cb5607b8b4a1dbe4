#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <functional>

#include "agent/base/posix_file.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/prune/pruner.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::prune;

namespace {

// A disk whose whole content is the path of its backing file.
class ContentIsBacking : public DiskChainReader {
 public:
  std::optional<BackingFile> backing_file(const Path& disk, const std::string& format) const override {
    if (format == "raw") return std::nullopt;
    return BackingFile{.name = read_file(disk), .format = "raw"};
  }
};

struct Withdrawing : ImageStanding {
  std::optional<std::string> withdrawn(const model::ImageRef&, const OpContext&) override {
    meanwhile();
    return "its image was deactivated";
  }
  std::function<void()> meanwhile = [] {};
};

}  // namespace

TEST_CASE("who begins to use a base file while the registry is asked for its image keeps it") {
  constexpr const char* origin = "9a2d629d-0000-4000-8000-000000000009";
  const model::CacheKey key = model::CacheKey::for_image(origin);
  for (const bool is_used_meanwhile : {false, true}) {
    FakeNode node("bytes");
    const Path base = node.layout.base_file(key);
    write_file(base, "base");
    const timespec old{.tv_sec = std::time(nullptr) - 100, .tv_nsec = 0};
    const timespec times[2] = {old, old};
    REQUIRE(::utimensat(AT_FDCWD, base.c_str(), times, 0) == 0);
    cache::write_record(node.layout, key, {.origin = origin}, base);
    Withdrawing registry;
    const Path instance = node.layout.instances_path() / "9a2d629d-0000-4000-8000-000000000001";
    if (is_used_meanwhile) {
      registry.meanwhile = [&] {
        make_directories(instance);
        write_file(instance / "disk", base.native());
      };
    }
    const ContentIsBacking chains;
    const cache::Pins pins{node.layout};
    const UseGraph uses{node.layout, chains};
    OpContext op = test_operation();
    Pruner(node.images, pins, uses, {}, {}, &registry).prune(false, op);
    CHECK(boost::filesystem::exists(base) == is_used_meanwhile);
  }
}
