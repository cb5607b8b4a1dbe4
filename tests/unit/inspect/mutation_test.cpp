#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>

#include "agent/base/unique_fd.hpp"
#include "tests/unit/inspect/inspect_support.hpp"

namespace basecache::inspect::test {
namespace {

constexpr std::size_t kHeaders = 4096;   // what is mutated of each image
constexpr std::size_t kFlips = 100'000;  // of all formats together

// A tiny image, by qemu-img: mostly headers.
std::string tiny(const std::string& format, const std::string& options) {
  const ScratchDir scratch;
  basecache::test::write_file(scratch / "source", std::string(65'536, 'x'));
  std::vector<std::string> argv{"qemu-img", "convert", "-f", "raw", "-O", format};
  if (!options.empty()) argv.insert(argv.end(), {"-o", options});
  argv.insert(argv.end(), {(scratch / "source").string(), (scratch / "image").string()});
  run_tool(argv);
  return basecache::test::read_file(scratch / "image");
}

const std::vector<std::string>& images() {
  static const std::vector<std::string> all{tiny("qcow2", "cluster_size=512"),
                                            tiny("qcow2", "cluster_size=512,compat=0.10"),
                                            tiny("qcow2", "cluster_size=16k,extended_l2=on"),
                                            tiny("vmdk", ""),
                                            tiny("vmdk", "subformat=streamOptimized"),
                                            tiny("vpc", "subformat=dynamic"),
                                            tiny("vpc", "subformat=fixed"),
                                            tiny("vdi", "")};
  return all;
}

// One of them in a file that needs no disk. Only its headers are ever written again.
class Mutant {
 public:
  explicit Mutant(const std::string& image) : image_(image), memory_(::memfd_create("image", MFD_CLOEXEC)) {
    write(image);
  }

  // Both looks at the image, cut to `length` bytes and with these headers. Whatever is found is explained.
  bool is_explained(const std::string& headers, std::size_t length) {
    const std::string content = headers.substr(0, length);
    const auto inspection = inspector_.begin();
    inspection->feed(std::as_bytes(std::span(content)));
    if (length > headers.size()) {
      inspection->feed(std::as_bytes(std::span(image_)).subspan(headers.size(), length - headers.size()));
    }
    fetch::InspectionReport report = inspection->finish(std::nullopt, model::ImageUse::disk);
    if (report.safe()) {
      write(content);
      REQUIRE(::ftruncate(memory_.get(), static_cast<off_t>(length)) == 0);
      const Path path = "/proc/self/fd/" + std::to_string(memory_.get());
      report = with_tables(std::move(report), inspector_, path, basecache::test::test_operation());
    }
    return std::ranges::all_of(report.findings, [](const fetch::Finding& finding) {
      return !finding.check.empty() && !finding.detail.empty() && !finding.hint.empty();
    });
  }

 private:
  void write(const std::string& content) {
    REQUIRE(::pwrite(memory_.get(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  }

  const std::string& image_;
  UniqueFd memory_;
  FormatInspector inspector_;
};

TEST_CASE("small images are taken as they are") {
  for (const std::string& image : images()) CHECK_FALSE(outcome(image).starts_with("cannot"));
}

TEST_CASE("an image cut at any length of its headers gets a verdict") {
  for (const std::string& image : images()) {
    Mutant mutant(image);
    const std::string headers = image.substr(0, kHeaders);
    for (std::size_t length = 0; length < headers.size(); ++length) CHECK(mutant.is_explained(headers, length));
  }
}

TEST_CASE("an image with any bytes of its headers changed gets a verdict") {
  std::uint32_t state = 20'261'121;
  const auto next = [&](std::size_t below) { return ((state = state * 1'664'525 + 1'013'904'223) >> 8) % below; };
  std::chrono::nanoseconds slowest{0};
  for (const std::string& image : images()) {
    Mutant mutant(image);
    for (std::size_t flip = 0; flip < kFlips / images().size(); ++flip) {
      std::string headers = image.substr(0, kHeaders);
      for (std::size_t bytes = 1 + next(4); bytes > 0; --bytes) {
        headers[next(headers.size())] = static_cast<char>(next(256));
      }
      const auto began = std::chrono::steady_clock::now();
      const bool explained = mutant.is_explained(headers, image.size());
      slowest = std::max<std::chrono::nanoseconds>(slowest, std::chrono::steady_clock::now() - began);
      if (!explained) CHECK_MESSAGE(explained, "flip ", flip);
    }
  }
  MESSAGE("the slowest verdict took ", slowest.count() / 1000, " us");
}

}  // namespace
}  // namespace basecache::inspect::test
