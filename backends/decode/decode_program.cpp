#include "backends/decode/decode_program.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
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

void print(const Error& error) {
  nlohmann::json object = nlohmann::json::object();
  object["code"] = name_of(error.code());
  object["message"] = error.message();
  object["hint"] = error.hint();
  std::puts(object.dump().c_str());
}

int run(std::size_t threads) {
  ArrivingFile image(kImageFd);
  // It may still wait for the pipe when all is over; the process ends with it.
  std::thread([&image] { follow_arrivals(kArrivalFd, image); }).detach();
  int status = 0;
  try {
    std::printf("%ju\n", static_cast<std::uintmax_t>(Qcow2Decoder(image, kRawDiskFd).decode(threads)));
  } catch (const Error& error) {
    print(error);
    status = 1;
  } catch (const std::exception& error) {
    print(Error(ErrorCode::tool_failed, std::string("cannot decode the image: ") + error.what()));
    status = 1;
  }
  std::fflush(stdout);
  ::_exit(status);
}

}  // namespace

std::optional<int> run_if_decoder(int argc, const char* const* argv) {
  if (argc != 3 || std::string_view(argv[1]) != kDecodeArgument) return std::nullopt;
  return run(thread_count(argv[2]));
}

}  // namespace basecache::decode
