#include "backends/inspect/refusal.hpp"

#include <utility>

#include "agent/base/error.hpp"

namespace basecache::inspect {

void refuse(std::string found, std::string hint) {
  Error error(ErrorCode::image_unacceptable, "cannot take the image: " + std::move(found));
  error.set_hint(std::move(hint));
  throw error;
}

}  // namespace basecache::inspect
