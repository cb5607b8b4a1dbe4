#include "backends/drive/libisofs.hpp"

#include <fmt/format.h>

#include "agent/base/error.hpp"

namespace basecache::drive {

void check_iso(int status, std::string_view doing) {
  if (status >= 0) return;
  const char* reason = iso_error_to_msg(status);
  throw Error(ErrorCode::internal, fmt::format("cannot {}: {}", doing, reason == nullptr ? "libisofs failed" : reason));
}

}  // namespace basecache::drive
