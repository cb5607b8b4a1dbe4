#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <random>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/decode/qcow2_decoder.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::decode;
using namespace basecache::test;

namespace {

constexpr std::size_t kMebibyte = 1 << 20;

// Text, noise, zeros and odd ends.
std::string disk_content(std::size_t size) {
  std::mt19937 random(7);
  std::string content(size, '\0');
  for (std::size_t at = 0; at + 3000 < size; at += 3000 + random() % 300'000) {
    const std::size_t length = std::min<std::size_t>(size - at, 1 + random() % 200'000);
    const bool is_noise = random() % 3 == 0;
    for (std::size_t i = 0; i < length; ++i) {
      content[at + i] = is_noise ? static_cast<char>(random()) : "every disk holds text"[(at + i) % 21];
    }
  }
  content[size - 1] = 'z';
  return content;
}

Path make_image(const ScratchDir& scratch, const std::string& content, const std::string& options, bool compressed) {
  write_file(scratch / "source.raw", content);
  std::vector<std::string> argv{"qemu-img", "convert", "-f", "raw", "-O", "qcow2"};
  if (!options.empty()) argv.insert(argv.end(), {"-o", options});
  if (compressed) argv.emplace_back("-c");
  argv.insert(argv.end(), {(scratch / "source.raw").string(), (scratch / "image").string()});
  run_tool(argv);
  return scratch / "image";
}

std::string decoded(const ScratchDir& scratch, ArrivingFile& image, std::size_t threads = 2) {
  const Path raw = scratch / "decoded.raw";
  const UniqueFd output = open_file(raw, O_RDWR | O_CREAT | O_TRUNC, 0600);
  Qcow2Decoder(image, output.get()).decode(threads);
  return read_file(raw);
}

std::string decoded(const ScratchDir& scratch, const Path& path, std::size_t threads = 2) {
  const UniqueFd file = open_file(path, O_RDONLY);
  ArrivingFile image(file.get());
  image.arrived(ArrivingFile::kWhole);
  return decoded(scratch, image, threads);
}

std::uint64_t number_at(const std::string& bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

void set_number(std::string& bytes, std::size_t at, std::uint64_t number) {
  for (std::size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<char>(number >> (8 * (7 - i)));
}

// The same image with its clusters of 64 KiB in reverse order behind the header: tables behind what they name.
std::string reversed(const std::string& image) {
  constexpr std::size_t kCluster = 65536;
  constexpr std::uint64_t kOffset = 0x00fffffffffffe00;
  std::string whole = image;
  whole.resize((image.size() + kCluster - 1) / kCluster * kCluster);
  const std::size_t clusters = whole.size() / kCluster;
  const auto moved = [&](std::uint64_t entry) {
    const std::uint64_t cluster = (entry & kOffset) / kCluster;
    return (entry & kOffset) == 0 ? entry : (entry & ~kOffset) | (clusters - cluster) * kCluster;
  };
  const std::uint64_t l1 = number_at(whole, 40);
  const std::uint64_t l1_entries = number_at(whole, 32) & 0xffffffff;
  for (std::uint64_t i = 0; i < l1_entries; ++i) {
    const std::uint64_t l2 = number_at(whole, l1 + 8 * i) & kOffset;
    if (l2 == 0) continue;
    for (std::size_t at = l2; at < l2 + kCluster; at += 8) set_number(whole, at, moved(number_at(whole, at)));
    set_number(whole, l1 + 8 * i, moved(number_at(whole, l1 + 8 * i)));
  }
  set_number(whole, 40, moved(l1));
  std::string turned = whole.substr(0, kCluster);
  for (std::size_t i = clusters - 1; i > 0; --i) turned += whole.substr(i * kCluster, kCluster);
  return turned;
}

// Lets the decoder see the file grow by `step` at a time.
std::string decoded_while_arriving(const ScratchDir& scratch, const std::string& content, std::size_t step) {
  const Path path = scratch / "arriving";
  const UniqueFd file = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  ArrivingFile image(file.get());
  auto result = std::async(std::launch::async, [&] { return decoded(scratch, image); });
  for (std::size_t at = 0; at < content.size(); at += step) {
    const std::string_view piece = std::string_view(content).substr(at, step);
    write_all(file.get(), std::as_bytes(std::span(piece)), path);
    image.arrived(at + piece.size());
  }
  image.arrived(ArrivingFile::kWhole);
  return result.get();
}

}  // namespace

TEST_CASE("every kind of qcow2 is decoded to the disk that it was made from") {
  struct Kind {
    const char* options;
    bool compressed;
  };
  const std::string content = disk_content(5 * kMebibyte + 512);
  for (const Kind& kind :
       {Kind{"", false}, Kind{"compat=0.10", false}, Kind{"cluster_size=512", false}, Kind{"cluster_size=4k", false},
        Kind{"cluster_size=2M", false}, Kind{"extended_l2=on", false}, Kind{"extended_l2=on,cluster_size=16k", false},
        Kind{"preallocation=metadata", false}, Kind{"preallocation=full", false}, Kind{"", true},
        Kind{"compat=0.10", true}, Kind{"cluster_size=512", true}, Kind{"cluster_size=2M", true},
        Kind{"compression_type=zstd", true}, Kind{"compression_type=zstd,cluster_size=512", true},
        Kind{"compression_type=zstd,cluster_size=2M", true}, Kind{"extended_l2=on", true}}) {
    CAPTURE(kind.options);
    CAPTURE(kind.compressed);
    const ScratchDir scratch;
    const Path image = make_image(scratch, content, kind.options, kind.compressed);
    CHECK(decoded(scratch, image) == content);
    CHECK(decoded(scratch, image, 1) == content);
  }
}

TEST_CASE("zeros of an image stay holes") {
  const ScratchDir scratch;
  std::string content(64 * kMebibyte, '\0');
  content[5 * kMebibyte] = 'x';
  for (const char* options : {"preallocation=full", ""}) {
    remove_file(scratch / "image");
    (void)decoded(scratch, make_image(scratch, content, options, false));
    CHECK(sizes_of(scratch / "decoded.raw").allocated.count <= 64 * 1024);
  }
}

TEST_CASE("an image is decoded while it arrives, in pieces of any size") {
  const std::string content = disk_content(3 * kMebibyte);
  for (const bool compressed : {false, true}) {
    const ScratchDir scratch;
    const std::string image = read_file(make_image(scratch, content, "", compressed));
    for (const std::size_t step : {std::size_t{511}, std::size_t{65536}, kMebibyte, image.size()}) {
      CAPTURE(step);
      CHECK(decoded_while_arriving(scratch, image, step) == content);
    }
  }
}

TEST_CASE("tables may stand behind what they name") {
  const std::string content = disk_content(3 * kMebibyte);
  const ScratchDir scratch;
  const std::string image = reversed(read_file(make_image(scratch, content, "", false)));
  CHECK(decoded_while_arriving(scratch, image, 65536) == content);
}

TEST_CASE("what is cut off reads as zeros, as for QEMU; whether it is whole is for the inspector to say") {
  const std::string content = disk_content(3 * kMebibyte);
  const ScratchDir scratch;
  std::string image = read_file(make_image(scratch, content, "", false));
  image.resize(image.size() - 100'000);
  write_file(scratch / "cut", image);
  const std::string raw = decoded(scratch, scratch / "cut");
  CHECK(raw.size() == content.size());
  CHECK(raw.starts_with(content.substr(0, kMebibyte)));
  CHECK(decoded_while_arriving(scratch, image, 65536) == raw);
}

TEST_CASE("one cluster that is said to be everywhere is no disk") {
  const ScratchDir scratch;
  std::string image =
      read_file(make_image(scratch, std::string(65'536, 'x') + std::string(191 * kMebibyte, '\0'), "", false));
  constexpr std::uint64_t kOffset = 0x00fffffffffffe00;
  const std::uint64_t l2 = number_at(image, number_at(image, 40)) & kOffset;
  for (std::size_t i = 1; i < 3000; ++i) set_number(image, l2 + 8 * i, number_at(image, l2));
  write_file(scratch / "everywhere", image);
  try {
    (void)decoded(scratch, scratch / "everywhere");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(error.message().find("room") != std::string::npos);
  }
  CHECK(sizes_of(scratch / "decoded.raw").allocated <= mebibytes(40));
}

TEST_CASE("a transfer that breaks off ends the decoding") {
  const ScratchDir scratch;
  const std::string image = read_file(make_image(scratch, disk_content(kMebibyte), "", false));
  write_file(scratch / "half", image.substr(0, image.size() / 2));
  const UniqueFd file = open_file(scratch / "half", O_RDONLY);
  ArrivingFile arriving(file.get());
  arriving.arrived(image.size() / 2);
  auto result = std::async(std::launch::async, [&] { return decoded(scratch, arriving); });
  arriving.break_off();
  CHECK_THROWS_AS(result.get(), Error);
}

TEST_CASE("a compressed cluster that is damaged is told, by several threads as by one") {
  const ScratchDir scratch;
  std::string image = read_file(make_image(scratch, disk_content(4 * kMebibyte), "", true));
  for (std::size_t at = image.size() / 2; at < image.size() / 2 + 70'000; ++at) image[at] = '\xff';
  write_file(scratch / "damaged", image);
  for (const std::size_t threads : {std::size_t{1}, std::size_t{4}}) {
    try {
      (void)decoded(scratch, scratch / "damaged", threads);
      FAIL("nothing was thrown");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::image_unacceptable);
      CHECK(error.message().find("doesn't fill") != std::string::npos);
    }
  }
}
