#include "backends/decode/decode_program.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>

#include "agent/base/error.hpp"
#include "backends/decode/qcow2_decoder.hpp"

namespace basecache::decode {
namespace {

std::size_t thread_count(std::string_view text) {
  std::size_t count = 1;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

// False at the end of the pipe.
bool read_number(int fd, std::uint64_t& number) {
  unsigned char bytes[sizeof number];
  std::size_t count = 0;
  while (count < sizeof bytes) {
    const ssize_t got = ::read(fd, bytes + count, sizeof bytes - count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    count += static_cast<std::size_t>(got);
  }
  std::memcpy(&number, bytes, sizeof number);
  return true;
}

void follow_arrivals(int fd, ArrivingFile& image) {
  std::uint64_t arrived = 0;
  while (arrived != ArrivingFile::kWhole) {
    if (!read_number(fd, arrived)) return image.break_off();
    image.arrived(arrived);
  }
}

int exit_code(ErrorCode code) {
  const auto known = std::ranges::find(kFailures, code);
  return known == kFailures.end() ? 1 : kFirstFailure + static_cast<int>(known - kFailures.begin());
}

void print_progress(std::uint64_t place) {
  constexpr std::uint64_t kStep = 8 << 20;
  static std::uint64_t printed = 0;
  if (place < printed + kStep) return;
  printed = place;
  std::printf("%ju\n", static_cast<std::uintmax_t>(place));
  std::fflush(stdout);
}

int decode(std::size_t threads) {
  ArrivingFile image(kImageFd);
  // It may still wait for the pipe when all is over; the process ends with it.
  std::thread([&image] { follow_arrivals(kArrivalFd, image); }).detach();
  try {
    std::puts(Qcow2Decoder(image, kRawDiskFd).decode(threads, print_progress).sum.hex().c_str());
    return 0;
  } catch (const Error& error) {
    std::fputs(error.message().c_str(), stderr);
    return exit_code(error.code());
  } catch (const std::exception& error) {
    std::fputs(error.what(), stderr);
    return 1;
  }
}

}  // namespace

std::optional<int> run_if_decoder(int argc, const char* const* argv) {
  if (argc != 3 || std::string_view(argv[1]) != kDecodeArgument) return std::nullopt;
  ::prctl(PR_SET_NAME, kDecodeArgument);
  const int status = decode(thread_count(argv[2]));
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace basecache::decode
