// Bytes a second of both looks at an image, per format, one thread, beside the SHA-512 of the same stream: what an
// inspection adds to a download; and of the second look alone, at large disks that have all their clusters and no
// content: bytes of the disk. Run by tools/bench.sh; the ratios are what counts.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/base/digest.hpp"
#include "agent/base/subprocess.hpp"
#include "backends/inspect/format_inspector.hpp"
#include "tests/support/scratch_dir.hpp"

namespace {

using namespace basecache;
using basecache::test::ScratchDir;

constexpr std::size_t kBlock = 256 << 10;  // as libcurl hands them over
constexpr std::size_t kContent = 256 << 20;

// Half of it is noise, in runs of 64 KiB.
std::string content() {
  std::string bytes(kContent, '\0');
  std::uint32_t state = 1;
  for (std::size_t at = 0; at < bytes.size(); at += 131'072) {
    for (std::size_t i = 0; i < 65'536; ++i) {
      bytes[at + i] = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
    }
  }
  return bytes;
}

struct Image {
  Image(const std::string& format, const std::string& options) : path(scratch / "image") {
    basecache::test::write_file(scratch / "source", content());
    std::vector<std::string> argv{"qemu-img", "convert", "-f", "raw", "-O", format};
    if (!options.empty()) argv.insert(argv.end(), {"-o", options});
    argv.insert(argv.end(), {(scratch / "source").string(), path.string()});
    run_checked({.argv = argv}, basecache::test::test_operation(), "make an image to measure");
    bytes = basecache::test::read_file(path);
  }

  ScratchDir scratch;
  Path path;
  std::string bytes;
};

template <class Take>
void pass(const std::string& bytes, Take&& take) {
  const auto all = std::as_bytes(std::span(bytes));
  for (std::size_t at = 0; at < all.size(); at += kBlock) take(all.subspan(at, std::min(kBlock, all.size() - at)));
}

void set_bytes(benchmark::State& state, const Image& image) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(image.bytes.size()));
}

void hash(benchmark::State& state, const Image& image) {
  for ([[maybe_unused]] const auto _ : state) {
    Hasher hasher(DigestAlgorithm::sha512);
    pass(image.bytes, [&](auto block) { hasher.update(block); });
    benchmark::DoNotOptimize(hasher.finish());
  }
  set_bytes(state, image);
}

void inspect_image(benchmark::State& state, const Image& image) {
  const inspect::FormatInspector inspector;
  const OpContext op = basecache::test::test_operation();
  for ([[maybe_unused]] const auto _ : state) {
    const auto inspection = inspector.begin();
    pass(image.bytes, [&](auto block) { inspection->feed(block); });
    const auto report = with_tables(inspection->finish(std::nullopt, model::ImageUse::disk), inspector, image.path, op);
    if (!report.safe()) state.SkipWithError("refused");
  }
  set_bytes(state, image);
}

constexpr std::int64_t kLargeDisk = std::int64_t{10} << 30;

struct LargeImage {
  explicit LargeImage(const std::string& options) : path(scratch / "image") {
    run_checked({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-o", "preallocation=metadata," + options,
                          path.string(), std::to_string(kLargeDisk)}},
                basecache::test::test_operation(), "make an image to measure");
  }

  ScratchDir scratch;
  Path path;
};

void check_tables(benchmark::State& state, const LargeImage& image) {
  const inspect::FormatInspector inspector;
  const OpContext op = basecache::test::test_operation();
  for ([[maybe_unused]] const auto _ : state) {
    if (!inspector.check_tables(image.path, model::DiskFormat::qcow2, op).empty()) state.SkipWithError("refused");
  }
  state.SetBytesProcessed(state.iterations() * kLargeDisk);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::pair<std::string, std::string>> formats{{"raw", ""},
                                                                 {"qcow2", ""},
                                                                 {"qcow2", "cluster_size=4k"},
                                                                 {"vmdk", ""},
                                                                 {"vmdk", "subformat=streamOptimized"},
                                                                 {"vpc", ""},
                                                                 {"vhdx", ""},
                                                                 {"vdi", ""}};
  std::vector<std::unique_ptr<Image>> images;
  for (const auto& [format, options] : formats) {
    images.push_back(std::make_unique<Image>(format, options));
    const Image& image = *images.back();
    const std::string name = format + (options.empty() ? "" : " " + options);
    benchmark::RegisterBenchmark(("inspect " + name).c_str(), [&image](auto& state) { inspect_image(state, image); });
    benchmark::RegisterBenchmark(("sha512  " + name).c_str(), [&image](auto& state) { hash(state, image); });
  }
  std::vector<std::unique_ptr<LargeImage>> large_images;
  for (const std::string options : {"cluster_size=64k", "cluster_size=4k", "cluster_size=4k,refcount_bits=1"}) {
    large_images.push_back(std::make_unique<LargeImage>(options));
    const LargeImage& image = *large_images.back();
    benchmark::RegisterBenchmark(("tables  qcow2 " + options).c_str(),
                                 [&image](auto& state) { check_tables(state, image); });
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
