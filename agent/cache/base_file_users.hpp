#pragma once

#include <optional>
#include <string>

#include "agent/base/op_context.hpp"
#include "agent/model/cache_key.hpp"

namespace basecache::cache {

// Tells what stands on a base file besides running requests.
class BaseFileUsers {
 public:
  virtual ~BaseFileUsers() = default;

  // Why the base file can't be taken away: who uses it, or why that can't be told. Nothing: nobody does.
  virtual std::optional<std::string> reason_to_stay(const model::CacheKey& key, const OpContext& op) const = 0;
};

}  // namespace basecache::cache
