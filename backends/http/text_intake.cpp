#include "backends/http/text_intake.hpp"

#include <fmt/format.h>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"

namespace basecache::http {

std::optional<Fault> TextIntake::begin(const ResponseHead&) {
  text_.clear();
  return std::nullopt;
}

std::optional<Fault> TextIntake::body(std::span<const std::byte> bytes) {
  if (text_.size() + bytes.size() > kLongest) {
    throw Error(ErrorCode::source_unavailable,
                fmt::format("the server answers with more than {}", to_text(Bytes{kLongest})));
  }
  text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::nullopt;
}

}  // namespace basecache::http
