// Whatever bytes: a config drive is read, within its limits, or refused as what it is; nothing else happens.

#include <cstdint>
#include <cstdlib>
#include <span>

#include "agent/base/error.hpp"
#include "backends/drive/drive_reader.hpp"

using namespace basecache;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    std::size_t bytes = 0;
    for (const metadata::DriveFile& file : drive::read_drive(std::as_bytes(std::span(data, size))).files) {
      if (file.path.empty() || file.path.front() == '/') std::abort();
      bytes += file.path.size() + file.contents.size();
    }
    if (bytes > model::kVfatDriveSize.count) std::abort();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::image_unacceptable) std::abort();
  }
  return 0;
}
