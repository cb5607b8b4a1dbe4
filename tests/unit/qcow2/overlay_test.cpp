#include "backends/qcow2/overlay.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/qcow2/header.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::qcow2;
using namespace basecache::test;

namespace {

// What qemu-img says of a disk, but for its name and when it was made.
nlohmann::json said_of(const Path& disk) {
  auto info = nlohmann::json::parse(run_tool({"qemu-img", "info", "-f", "qcow2", "--output=json", disk.native()}));
  info.erase("filename");
  info.erase("actual-size");
  info.erase("children");
  return info;
}

// Where the file ends too.
nlohmann::json check_of(const Path& disk) {
  auto result = nlohmann::json::parse(run_tool({"qemu-img", "check", "-f", "qcow2", "--output=json", disk.native()}));
  result.erase("filename");
  return result;
}

struct Bench {
  Bench() {
    const UniqueFd file = open_file(base, O_RDWR | O_CREAT, 0600);
    if (::ftruncate(file.get(), 1 << 20) != 0) throw Error(ErrorCode::internal, "no base to test with");
  }
  Path ours(const Overlay& overlay) const {
    const Path path = scratch / "ours";
    const UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    write_overlay(fd.get(), overlay);
    return path;
  }
  Path qemus(const Overlay& overlay) const {
    const Path path = scratch / "qemus";
    run_tool({"qemu-img", "create", "-q", "-f", "qcow2", "-b", overlay.backing_file, "-F", overlay.backing_format, "-o",
              "cluster_size=" + std::to_string(std::uint64_t{1} << overlay.cluster_bits), path.native(),
              std::to_string(overlay.virtual_size.count)});
    return path;
  }

  ScratchDir scratch;
  Path base = scratch / "base";
};

}  // namespace

TEST_CASE("an overlay is as qemu-img makes it, for every cluster size and any size of the disk") {
  struct Row {
    std::uint32_t bits;
    Bytes size;
  };
  // The smallest and the largest clusters, and the default, with the least and the most tables; others with an L1 table
  // and refcounts that fit, just don't fit, or take many clusters.
  const Bytes odd = gibibytes(100) + Bytes{512};
  for (const Row& row :
       {Row{9, Bytes{512}}, Row{9, gibibytes(20)}, Row{10, mebibytes(1)}, Row{11, mebibytes(1) + Bytes{512}},
        Row{12, odd}, Row{13, gibibytes(20)}, Row{14, gibibytes(3)}, Row{15, odd}, Row{16, Bytes{512}}, Row{16, odd},
        Row{17, gibibytes(20)}, Row{18, mebibytes(1)}, Row{19, gibibytes(3)}, Row{20, mebibytes(1) + Bytes{512}},
        Row{21, Bytes{512}}, Row{21, odd}}) {
    CAPTURE(row.bits);
    CAPTURE(row.size.count);
    const Bench bench;
    const Overlay overlay{bench.base.native(), "raw", row.size, row.bits};
    const Path ours = bench.ours(overlay);
    const Path qemus = bench.qemus(overlay);
    CHECK(said_of(ours) == said_of(qemus));
    CHECK(check_of(ours) == check_of(qemus));
    CHECK(Header::read(ours).virtual_size == row.size);
    CHECK(Header::read(ours).backing_format == "raw");
  }
}

TEST_CASE("an overlay without a size has no L1 table") {
  Bench bench;
  const Overlay overlay{bench.base.native(), "raw", Bytes{0}};
  CHECK(said_of(bench.ours(overlay)) == said_of(bench.qemus(overlay)));
}

TEST_CASE("what is written to an overlay is read from it, the rest from beneath") {
  Bench bench;
  const Path disk = bench.ours({bench.base.native(), "raw", gibibytes(1)});
  run_tool({"qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 700M 1M", "-c", "read -P 0x5a 700M 1M", "-c",
            "read -P 0 0 1M", disk.native()});
  CHECK(check_of(disk).value("check-errors", 1) == 0);
}

TEST_CASE("zeros of a large overlay's tables take no room") {
  Bench bench;
  CHECK(sizes_of(bench.ours({bench.base.native(), "raw", gibibytes(1024)})).allocated.count <= 32 * 1024);
}

TEST_CASE("what qcow2 can't hold is refused") {
  CHECK_THROWS_AS(lay_out({std::string(1024, 'x'), "raw", mebibytes(1)}), Error);
  CHECK_THROWS_AS(lay_out({std::string(400, 'x'), "raw", mebibytes(1), 9}), Error);
  CHECK_THROWS_AS(lay_out({"base", "raw", gibibytes(1024), 9}), Error);
}

TEST_CASE("an overlay with clusters of its own is sound, and reads as they and its base do") {
  for (const std::uint32_t bits : {9U, 12U, 16U, 21U}) {
    CAPTURE(bits);
    const Bench bench;
    const std::uint64_t cluster = std::uint64_t{1} << bits;
    // The first of all, two of one table, the first of another, the last of the disk.
    const std::uint64_t size = cluster * (cluster / 8) * 2 + 512;
    Overlay overlay{bench.base.native(), "raw", Bytes{size}, bits, {0, 1, 3, cluster / 8, cluster / 8 * 2}};
    const Path path = bench.ours({bench.base.native(), "raw", Bytes{size}, bits});  // so far
    const UniqueFd fd = open_file(path, O_RDWR);
    const std::uint64_t at = write_overlay(fd.get(), overlay);
    for (std::size_t i = 0; i < overlay.own_clusters.size(); ++i) {
      const std::vector<std::byte> bytes(cluster, static_cast<std::byte>('1' + i));
      write_all_at(fd.get(), bytes, at + i * cluster, path);
    }
    run_tool({"qemu-img", "check", "-f", "qcow2", path.native()});
    for (std::size_t i = 0; i < overlay.own_clusters.size(); ++i) {
      const std::string pattern =
          "read -q -P " + std::to_string('1' + i) + " " + std::to_string(overlay.own_clusters[i] * cluster) + " 512";
      CHECK(run_tool({"qemu-io", "-r", "-f", "qcow2", "-c", pattern, path.native()}).find("failed") ==
            std::string::npos);
    }
    const std::string hole = "read -q -P 0 " + std::to_string(2 * cluster) + " 512";
    CHECK(run_tool({"qemu-io", "-r", "-f", "qcow2", "-c", hole, path.native()}).find("failed") == std::string::npos);
  }
}
