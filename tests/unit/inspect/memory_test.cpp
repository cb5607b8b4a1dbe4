#include <doctest/doctest.h>
#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/posix_file.hpp"
#include "backends/inspect/image_sample.hpp"
#include "backends/inspect/taken_blocks.hpp"
#include "tests/unit/inspect/counted_memory.hpp"
#include "tests/unit/inspect/inspect_support.hpp"

namespace basecache::inspect::test {
namespace {

constexpr std::size_t kLimit = mebibytes(2).count;
constexpr std::size_t kBlock = 256 << 10;  // as libcurl hands them over

void feed(fetch::Inspection& inspection, std::span<const std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
    inspection.feed(bytes.subspan(at, std::min(kBlock, bytes.size() - at)));
  }
}

// The look in passing is shown zeros behind the first MiBs, as reading a hole of a TiB takes minutes.
std::size_t peak_of_both_looks(const Path& image, std::uint64_t length) {
  std::vector<std::byte> beginning(24 << 20);
  const std::vector<std::byte> zeros(16 << 20);
  REQUIRE(read_at(open_file(image, O_RDONLY).get(), beginning, 0, image) == beginning.size());
  const FormatInspector inspector;
  const OpContext op = basecache::test::test_operation();
  fetch::InspectionReport report;
  const std::size_t peak = peak_of([&] {
    const auto inspection = inspector.begin();
    feed(*inspection, beginning);
    for (std::uint64_t at = beginning.size(); at < length; at += zeros.size()) {
      inspection->feed(std::span(zeros).first(std::min<std::uint64_t>(zeros.size(), length - at)));
    }
    report = with_tables(inspection->finish(std::nullopt, model::ImageUse::disk), inspector, image, op);
  });
  CHECK(report.findings == std::vector<fetch::Finding>{});
  return peak;
}

struct LargeImage {
  std::string format, options, size;
  std::uint64_t length;  // of the file, which is a hole from where qemu-img ended
};

TEST_CASE("the largest tables that are taken need no more memory than an inspection may have") {
  // As many clusters, blocks and grains as have a bit each; a VHDX's metadata region has a MiB beside that.
  const std::vector<LargeImage> images{
      {"qcow2", "cluster_size=512", "1G", TakenBlocks::kMostBits * 512},
      {"vhdx", "block_size=1M", "2T", TakenBlocks::kMostBits << 20},
      {"vmdk", "subformat=monolithicSparse", "1G", TakenBlocks::kMostBits << 16},
  };
  for (const LargeImage& image : images) {
    CAPTURE(image.format);
    const ScratchDir scratch;
    const Path path = scratch / "image";
    run_tool({"qemu-img", "create", "-q", "-f", image.format, "-o", image.options, path.string(), image.size});
    boost::filesystem::resize_file(path, image.length);
    const std::size_t peak = peak_of_both_looks(path, image.length);
    CHECK(peak > ImageSample::kHeadSize);
    CHECK(peak < kLimit);
  }
}

TEST_CASE("an image that arrives byte by byte takes as little memory as one in large blocks") {
  const std::string content(3 << 20, 'x');
  const auto bytes = std::as_bytes(std::span(content));
  for (const std::size_t block : {1UL, 4097UL, 1UL << 20}) {
    CAPTURE(block);
    const std::size_t peak = peak_of([&] {
      ImageSample sample;
      sample.keep({.offset = 600'001, .length = ~std::uint64_t{0}});
      for (std::size_t at = 0; at < bytes.size(); at += block) {
        sample.feed(bytes.subspan(at, std::min(block, bytes.size() - at)));
      }
    });
    CHECK(peak < ImageSample::kHeadSize + ImageSample::kMaxWindow + kibibytes(32).count);
  }
}

}  // namespace
}  // namespace basecache::inspect::test
