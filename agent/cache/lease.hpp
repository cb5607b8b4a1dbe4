#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "agent/base/file_lock.hpp"
#include "agent/cache/base_file.hpp"

namespace basecache::cache {

// How a request came to its base file.
enum class HowAcquired { hit, joined, built };
std::string_view name_of(HowAcquired how);

// A live request's hold on a base file. While it exists the shared lock on locks/nova-<key> is held, so neither our
// pruner nor Nova's removes the file; the lock dies with the process, however that ends.
// Several leases may share one lock (callers that joined one build).
class BaseFileLease {
 public:
  struct Held;  // the lock and the count kept by Leases

  BaseFileLease(std::shared_ptr<Held> held, BaseFile base, HowAcquired how)
      : held_(std::move(held)), base_(std::move(base)), how_(how) {}

  const BaseFile& base() const { return base_; }
  HowAcquired how() const { return how_; }
  // The same hold for one who joined.
  BaseFileLease joined() const { return {held_, base_, HowAcquired::joined}; }

 private:
  std::shared_ptr<Held> held_;
  BaseFile base_;
  HowAcquired how_;
};

}  // namespace basecache::cache
