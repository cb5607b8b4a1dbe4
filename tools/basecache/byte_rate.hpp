#pragma once

#include <cstdint>
#include <string>

namespace basecache::cli {

// What --rate says: bytes a second, with KiB, MiB or GiB. Error(invalid_request).
std::uint64_t parse_byte_rate(const std::string& text);

}  // namespace basecache::cli
