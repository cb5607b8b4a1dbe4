#pragma once

#include <optional>
#include <string_view>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "backends/glance/glance_image.hpp"

namespace basecache::glance {

enum class AfterFailedUpload {
  accept,   // the bytes arrived, only the answer was lost
  repeat,   // from the first byte
  give_up,  // the record is spent, or it would fail again
};

struct FailedUpload {
  std::string_view status;  // the record's, afterwards; Glance sets it back to "queued" when an upload breaks off
  bool all_sent = false;    // the last byte had been read
  bool is_final = false;    // the server refused it, and would again
  bool may_repeat = false;  // there are attempts left
};

AfterFailedUpload after_failed_upload(const FailedUpload& failed);

// That the registry has what was sent. Error(source_unavailable) when it isn't active, checksum_mismatch with what was
// sent and what it has. `digest`: of what was sent, by the algorithm of digest_of(image); nothing when that is nothing.
void require_uploaded(const GlanceImage& image, Bytes sent, const std::optional<Digest>& digest);

}  // namespace basecache::glance
