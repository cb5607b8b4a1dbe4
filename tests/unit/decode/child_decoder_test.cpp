#include "backends/decode/child_decoder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/decode/decode_program.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::decode;
using namespace basecache::test;

namespace {

// What a child does that an image has taken over; a byte of the image behind its header says which.
enum class Takeover : char {
  none,
  ends_at_once,
  finds_no_space,
  writes_image,
  talks_on_one_line,
  talks,
  complains,
  tells_nothing,
  cuts
};

constexpr std::size_t kTakeoverPlace = 4096;

constexpr const char* kSum = "00000000000000000000000000000000";

[[noreturn]] void talk(std::string_view words, int fd = STDOUT_FILENO) {
  while (::write(fd, words.data(), words.size()) > 0) continue;
  ::_exit(1);
}

void be(Takeover takeover) {
  switch (takeover) {
    case Takeover::none:
      return;
    case Takeover::ends_at_once:
      ::_exit(kFirstFailure);
    case Takeover::finds_no_space:
      ::_exit(kFirstFailure + 1);
    case Takeover::writes_image:
      ::_exit(::pwrite(kImageFd, "x", 1, 0) == -1 && errno == EBADF ? 41 : 42);
    case Takeover::talks_on_one_line:
      talk(std::string(65'536, '1'));
    case Takeover::talks:
      talk("1\n2\n3\n");
    case Takeover::complains:
      talk(std::string(65'536, '!'), STDERR_FILENO);
    case Takeover::tells_nothing:
      ::_exit(0);
    case Takeover::cuts:
      ::_exit(::ftruncate(kRawDiskFd, 512) == 0 && ::write(STDOUT_FILENO, kSum, 32) == 32 &&
                      ::write(STDOUT_FILENO, "\n", 1) == 1
                  ? 0
                  : 1);
  }
}

// The decoder starts the program that runs: this one. Before doctest's main.
[[gnu::constructor]] void run_as_child(int argc, const char* const* argv, const char* const*) {
  if (argc != 3 || std::string_view(argv[1]) != kDecodeArgument) return;
  Takeover takeover = Takeover::none;
  if (::pread(kImageFd, &takeover, 1, kTakeoverPlace) == 1) be(takeover);
  run_if_decoder(argc, argv);
}

std::string empty_image(Takeover takeover = Takeover::none) {
  std::string bytes(4 * 65'536, '\0');
  const auto put = [&](std::size_t at, std::uint64_t number, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<char>(number >> (8 * (width - 1 - i)));
  };
  put(0, 0x514649fb, 4);
  put(4, 3, 4);
  put(20, 16, 4);
  put(24, 1 << 20, 8);
  put(36, 1, 4);
  put(40, 3 * 65'536, 8);
  bytes[kTakeoverPlace] = static_cast<char>(takeover);
  return bytes;
}

struct Place {
  std::unique_ptr<fetch::Decoding> begin(Takeover takeover, const OpContext& op, std::size_t threads = 2) {
    write_file(scratch / "image", empty_image(takeover));
    image = open_file(scratch / "image", O_RDWR);
    raw = open_file(scratch / "raw", O_RDWR | O_CREAT | O_TRUNC, 0600);
    std::array<std::byte, fetch::ImageDecoder::kBeginning.count> beginning{};
    (void)read_at(image.get(), beginning, 0, "image");
    return ChildDecoder(sandbox, mebibytes(64), threads).begin(beginning, image.get(), raw.get(), op);
  }

  // What finish() says.
  Error failure_of(Takeover takeover, Bytes image_length = mebibytes(1)) {
    OpContext op = test_operation();
    const auto decoding = begin(takeover, op);
    try {
      for (std::uint64_t arrived = 0; arrived < image_length.count; arrived += 1 << 18) decoding->arrived({arrived});
      (void)decoding->finish(op);
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorCode::internal, "nothing was thrown");
  }

  ScratchDir scratch;
  sandbox::Sandbox sandbox;
  UniqueFd image;
  UniqueFd raw;
};

}  // namespace

TEST_CASE("the child makes the disk, and tells its sum") {
  Place p;
  OpContext op = test_operation();
  const auto decoding = p.begin(Takeover::none, op);
  decoding->arrived(Bytes{4 * 65'536});
  const fetch::DecodedDisk disk = decoding->finish(op);
  CHECK(disk.size == mebibytes(1));
  CHECK(disk.sum == SectorSum{});
  CHECK(sizes_of(p.scratch / "raw").apparent == mebibytes(1));
}

TEST_CASE("however many cores there are, their threads find room in the child") {
  Place p;
  OpContext op = test_operation();
  CHECK(p.begin(Takeover::none, op, 1024)->finish(op).size == mebibytes(1));
}

TEST_CASE("one that ended long ago is not told to the end, however much had arrived") {
  Place p;
  CHECK(p.failure_of(Takeover::ends_at_once, gibibytes(3)).code() == ErrorCode::image_unacceptable);
}

TEST_CASE("what the node couldn't do is told while the image still arrives") {
  Place p;
  OpContext op("test", {}, OpContext::Clock::now() + std::chrono::minutes(5));
  const auto decoding = p.begin(Takeover::finds_no_space, op);
  try {
    for (std::uint64_t arrived = 0;; arrived += 1 << 18) {
      decoding->arrived({arrived});
      op.check();
    }
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::no_space);
  }
}

TEST_CASE("it can't write the image, whoever can") {
  Place p;
  CHECK(p.failure_of(Takeover::writes_image).message().find("exited with 41") != std::string::npos);
  CHECK((read_file(p.scratch / "image") == empty_image(Takeover::writes_image)));
}

TEST_CASE("one that never ends its line is ended") {
  Place p;
  CHECK(p.failure_of(Takeover::talks_on_one_line).code() == ErrorCode::tool_failed);
}

TEST_CASE("one that never stops talking ends with its operation") {
  for (const Takeover takeover : {Takeover::talks, Takeover::complains}) {
    Place p;
    OpContext op("test", {}, OpContext::Clock::now() + std::chrono::milliseconds(200));
    const auto decoding = p.begin(takeover, op);
    try {
      (void)decoding->finish(op);
      FAIL("nothing was thrown");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::timed_out);
    }
  }
}

TEST_CASE("one that tells no sum has failed, however early it ends") {
  Place p;
  CHECK(p.failure_of(Takeover::tells_nothing).message().find("no sum") != std::string::npos);
  CHECK(p.failure_of(Takeover::tells_nothing, gibibytes(3)).message().find("no sum") != std::string::npos);
}

TEST_CASE("the size of the disk is what it is, not what it should be") {
  Place p;
  OpContext op = test_operation();
  const auto decoding = p.begin(Takeover::cuts, op);
  CHECK(decoding->finish(op).size == Bytes{512});
}

TEST_CASE("what isn't qcow2, or is of a disk that is too large, is left to others") {
  Place p;
  OpContext op = test_operation();
  const ChildDecoder decoder(p.sandbox, kibibytes(512), 1);
  std::string image = empty_image().substr(0, 512);
  CHECK(decoder.begin(std::as_bytes(std::span(image)), -1, -1, op) == nullptr);
  image[0] = 'X';
  CHECK(decoder.begin(std::as_bytes(std::span(image)), -1, -1, op) == nullptr);
}
