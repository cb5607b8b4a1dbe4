#pragma once

#include <optional>
#include <string_view>

#include "agent/base/byte_size.hpp"

namespace basecache::disk {

// The size a disk gets: what is asked for, or `least` when nothing is. Pure.
// Error(disk_too_small) naming both sizes when less than `least` is asked for; `what` holds that much ("base file
// 01ab").
Bytes size_at_least(Bytes least, std::optional<Bytes> asked, std::string_view what);

}  // namespace basecache::disk
