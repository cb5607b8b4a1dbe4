#include "tools/basecache/byte_rate.hpp"

#include <fmt/format.h>

#include "agent/base/error.hpp"
#include "agent/config_values.hpp"

namespace basecache::cli {

std::uint64_t parse_byte_rate(const std::string& text) {
  try {
    return parse_bytes(text).count;
  } catch (const BadValue& bad) {
    throw Error(ErrorCode::invalid_request, fmt::format("--rate isn't {} a second", bad.what()))
        .set_hint("write a number of bytes, or one with KiB, MiB or GiB: --rate 64KiB");
  }
}

}  // namespace basecache::cli
