#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/file_lock.hpp"
#include "agent/base/op_context.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/cache/lease.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/base_file_spec.hpp"

namespace basecache::cache {

class BaseFileBuilder;
class Descriptions;
class Leases;
class Review;
class SingleFlight;

// One base file as `cache list` shows it.
struct CacheEntry {
  model::CacheKey key;
  std::optional<BaseFileRecord> record = {};
  Bytes virtual_size = {};
  Bytes allocated = {};
  std::chrono::seconds age{};  // since its last use
  std::size_t leases = 0;      // held by this process
  std::optional<std::string> pin = {};
  std::optional<std::string> unfit = {};  // why no request gets it any more
};

// What is known of an image before its base file is acquired.
struct KnownImage {
  std::optional<model::ImageMeta> meta = {};              // nothing: nobody can tell
  std::shared_ptr<const model::ImageRecord> record = {};  // what its source has just said; null: it wasn't asked
};

// The read-through cache of base files.
class ImageCache {
 public:
  ImageCache(const layout::CacheLayout& layout, BaseFileBuilder& builder, Review& review,
             std::size_t concurrent_builds);
  ~ImageCache();  // cancels running builds and waits for them

  // Present and fit by the newest rules: touched and leased (hit). Present and of older rules: inspected again first,
  // by one flight (review.hpp). Marked as unfit: replaced once nobody uses it, until then Error(in_use). Being built in
  // this process: waits for that build (joined). Else builds it, one build a key on the node: other processes, Nova
  // included, are met at the lock file. A caller that leaves (cancelled, out of time) leaves only itself; when the last
  // one has left, the build is cancelled. The build that others join fetches with the token of whoever started it; one
  // whose own token is another isn't refused for that.
  // Error(image_unacceptable) when the base file is there for another use of its image than the one that is asked for.
  // `known`: of look_up(), held until this returns.
  BaseFileLease acquire(const model::BaseFileSpec& spec, OpContext& op, const KnownImage& known = {});

  // By its base file's record; where that doesn't tell, by its source, which is asked once however many look it up at a
  // time (descriptions.hpp). A base file that is there is no worse for a source that doesn't answer: it is waited for
  // five seconds, and not again for five minutes; that is noted.
  // Errors of the source in the context of the base file.
  KnownImage look_up(const model::ImageBase& image, OpContext& op);
  // The same, of the source alone; acquire() remembers what it says now.
  KnownImage ask(const model::ImageBase& image, OpContext& op);
  // By its base file's record alone.
  std::optional<model::ImageMeta> remembered(const model::ImageRef& ref) const;

  // The base files that are there, by key.
  std::vector<CacheEntry> list() const;
  std::optional<CacheEntry> find(const model::CacheKey& key) const;
  const layout::CacheLayout& layout() const { return layout_; }

 private:
  KnownImage ask_until(OpContext::Clock::time_point deadline, const model::ImageBase& image, OpContext& op);
  std::optional<BaseFileLease> hit(const model::CacheKey& key, OpContext& op);
  BaseFileLease build(const model::BaseFileSpec& spec, const KnownImage& known, OpContext& op);
  std::optional<BaseFileLease> lock_or_hit(FileLock& file, const model::CacheKey& key, OpContext& op);
  std::optional<BaseFile> inherited(const model::BaseFileSpec& spec, const KnownImage& known, OpContext& op);
  void remember(const BaseFile& base, const KnownImage& known) const;

  const layout::CacheLayout& layout_;
  BaseFileBuilder& builder_;
  Review& review_;
  std::unique_ptr<Leases> leases_;
  std::unique_ptr<Descriptions> descriptions_;
  std::unique_ptr<SingleFlight> flights_;
};

}  // namespace basecache::cache
