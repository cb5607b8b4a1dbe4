#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/rate_limit.hpp"
#include "agent/cache/quarantine.hpp"

namespace basecache::cache {

enum class ContentState {
  verified,  // as it was published
  rotten,    // not any more, or its disk can't read it: it is in quarantine, or marked until it can be moved there
  unknown,   // no digest was recorded: inherited, or made by an older version
  skipped,   // it went, or was made anew, while it was read
};
std::string_view name_of(ContentState state);

struct CheckedContent {
  ContentState state = ContentState::unknown;
  std::string detail = {};  // for people; "" when there is nothing to add
  Bytes size = {};
  Bytes read = {};  // less than the size by its holes
};

// The use case of `cache verify`: reads a base file from its disk and compares it with what was published.
class ContentCheck {
 public:
  // A rate at which disks of guests beside it don't suffer.
  static constexpr std::uint64_t kBytesPerSecond = 100 * 1024 * 1024;

  ContentCheck(const layout::CacheLayout& layout, Quarantine& quarantine) : layout_(layout), quarantine_(quarantine) {}

  // Holds no lock while it reads: nobody writes to a base file, and nobody shall wait for this. Error(not_found) when
  // there is no such base file (one that is being built isn't there yet), Error when it can't be read.
  CheckedContent check(const model::CacheKey& key, const RateLimit& rate, OpContext& op);

 private:
  void condemn(const model::CacheKey& key, int fd, const std::string& reason, CheckedContent& checked, OpContext& op);

  const layout::CacheLayout& layout_;
  Quarantine& quarantine_;
};

}  // namespace basecache::cache
