#include "agent/cache/image_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <ctime>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/base_file_builder.hpp"
#include "agent/cache/descriptions.hpp"
#include "agent/cache/leases.hpp"
#include "agent/cache/pins.hpp"
#include "agent/cache/review.hpp"
#include "agent/cache/single_flight.hpp"
#include "agent/fetch/file_digest.hpp"

namespace basecache::cache {
namespace {

constexpr std::chrono::seconds kPatience{5};

// Callers who demand different digests don't share one outcome: a wrong demand fails only those who made it. They meet
// at the file lock, where the second finds what the first has built.
// Nor do those who want it as a disk and as a kernel.
std::string flight_name(const model::BaseFileSpec& spec, const model::CacheKey& key) {
  std::string name = key.text();
  const auto* image = std::get_if<model::ImageBase>(&spec);
  if (image == nullptr) return name;
  if (image->use == model::ImageUse::boot_file) name += " boot";
  if (image->checksum) name += " " + image->checksum->text();
  return name;
}

// A base file may have been built for another use of its image.
void require_use(const model::BaseFileSpec& spec, const BaseFile& base) {
  const auto* image = std::get_if<model::ImageBase>(&spec);
  if (image == nullptr || base.serves(image->use)) return;
  if (image->use == model::ImageUse::disk) {
    throw Error(
        ErrorCode::image_unacceptable,
        fmt::format("image {} was taken as a kernel or ramdisk, and is refused as a disk", quote(image->ref.shown())))
        .set_hint("name the image of a disk; 'basecache inspect FILE' tells what is wrong with this one");
  }
  throw Error(
      ErrorCode::image_unacceptable,
      fmt::format("image {} is a disk image, and a kernel or ramdisk is taken as it comes", quote(image->ref.shown())))
      .set_hint("name an image that is the kernel or ramdisk itself, not a disk with it inside");
}

// Of what a base file was made of. A raw file of this node that nobody vouched for is its own witness.
std::optional<Digest> digest_of_source(const std::optional<BaseFileRecord>& record, const BaseFile& base,
                                       DigestAlgorithm wanted, OpContext& op) {
  if (!record || record->source_digest || record->source_format != record->format) {
    return record ? record->source_digest : std::nullopt;
  }
  const auto step = op.steps().measure("digest");
  return fetch::file_digest(base.path(), wanted, op);
}

// A base file may have been built for a caller who demanded nothing.
void require_checksum(const model::BaseFileSpec& spec, const layout::CacheLayout& layout, const BaseFile& base,
                      OpContext& op) {
  const auto* image = std::get_if<model::ImageBase>(&spec);
  if (image == nullptr || !image->checksum) return;
  const std::optional<BaseFileRecord> record = read_record(layout, base.key());
  const std::optional<Digest> digest = digest_of_source(record, base, image->checksum->algorithm, op);
  if (digest == image->checksum) return;
  const std::string known = digest ? digest->text() : "unknown";
  throw Error(ErrorCode::checksum_mismatch,
              fmt::format("the cached base file {} of image {} was made from bytes with digest {}, expected {}",
                          base.key().text(), quote(image->ref.shown()), known, image->checksum->text()))
      .add_field("expected", image->checksum->text())
      .add_field("found", known)
      .set_hint(
          fmt::format("demand its digest by the same algorithm, or 'basecache cache remove {}' when nobody uses it: "
                      "the next request fetches and verifies it again",
                      base.key().text()));
}

// Who has the base file can do without the answer.
OpContext::Clock::time_point deadline_of_question(const OpContext& op, bool is_there) {
  return is_there ? std::min(op.deadline(), OpContext::Clock::now() + kPatience) : op.deadline();
}

}  // namespace

ImageCache::ImageCache(const layout::CacheLayout& layout, BaseFileBuilder& builder, Review& review,
                       std::size_t concurrent_builds)
    : layout_(layout),
      builder_(builder),
      review_(review),
      leases_(std::make_unique<Leases>(layout)),
      descriptions_(std::make_unique<Descriptions>()),
      flights_(std::make_unique<SingleFlight>(concurrent_builds)) {}

ImageCache::~ImageCache() = default;

BaseFileLease ImageCache::acquire(const model::BaseFileSpec& spec, OpContext& op, const KnownImage& known) {
  const model::CacheKey key = model::key_of(spec);
  std::optional<BaseFileLease> lease = hit(key, op);
  if (!lease) {
    lease = flights_->run(flight_name(spec, key), op,
                          [this, spec, known](OpContext& build_op) { return build(spec, known, build_op); });
  }
  if (known.record && lease->how() == HowAcquired::hit) remember(lease->base(), known);
  require_use(spec, lease->base());
  require_checksum(spec, layout_, lease->base(), op);
  return *std::move(lease);
}

KnownImage ImageCache::look_up(const model::ImageBase& image, OpContext& op) {
  if (auto meta = remembered(image.ref)) return {.meta = std::move(meta)};
  return ask(image, op);
}

KnownImage ImageCache::ask(const model::ImageBase& image, OpContext& op) {
  const model::CacheKey key = model::key_of(image);
  const bool is_there = boost::filesystem::exists(layout_.base_file(key));
  const auto note = [&](const std::string& why) {
    op.note(fmt::format("the properties of image {} can't be asked for: {}", quote(image.ref.shown()), why));
    return KnownImage{};
  };
  if (is_there && descriptions_->is_unanswered(key.text())) return note("it didn't answer some minutes ago");
  try {
    return with_context([&] { return "cannot prepare base file of " + model::describe(image); },
                        [&] { return ask_until(deadline_of_question(op, is_there), image, op); });
  } catch (const Error& error) {
    op.check();
    if (!is_there) throw;
    return note(error.message());
  }
}

KnownImage ImageCache::ask_until(OpContext::Clock::time_point deadline, const model::ImageBase& image, OpContext& op) {
  const auto step = op.steps().measure("describe");
  OpContext question(op.id(), op.stop(), deadline, op.progress());
  question.set_transfers(op.transfers());
  KnownImage known;
  known.record = descriptions_->of(model::key_of(image).text(), question,
                                   [&](OpContext& asking) { return builder_.describe(image.ref, asking); });
  known.meta = model::image_meta_of(*known.record);
  for (const std::string& text : question.notes()) op.note(text);
  return known;
}

std::optional<model::ImageMeta> ImageCache::remembered(const model::ImageRef& ref) const {
  const auto record = read_record(layout_, model::CacheKey::for_image(ref.text()));
  return record ? record->image_meta : std::nullopt;
}

// Of a base file of before, or Nova's, or what has changed since. The lease keeps everybody away who would write
// another record.
void ImageCache::remember(const BaseFile& base, const KnownImage& known) const {
  std::optional<BaseFileRecord> record = read_record(layout_, base.key());
  if (!record || record->image_meta == known.meta) return;
  record->image_meta = known.meta;
  write_record(layout_, base.key(), *record, base.path());
}

std::optional<BaseFileLease> ImageCache::hit(const model::CacheKey& key, OpContext& op) {
  const auto usable = [&]() -> std::optional<BaseFile> {
    std::optional<BaseFile> base = BaseFile::find(layout_, key);
    if (base && review_.is_due(*base)) base.reset();
    return base;
  };
  if (!usable()) return std::nullopt;
  auto held = leases_->hold(key, op);
  // Looked at again: a pruner may have held the lock that we waited for.
  std::optional<BaseFile> base = usable();
  if (!base) return std::nullopt;
  mark_used(*base);
  return BaseFileLease(std::move(held), *std::move(base), HowAcquired::hit);
}

BaseFileLease ImageCache::build(const model::BaseFileSpec& spec, const KnownImage& known, OpContext& op) {
  const model::CacheKey key = model::key_of(spec);
  auto file = std::make_unique<FileLock>(layout_.lock_file(key));
  if (auto lease = lock_or_hit(*file, key, op)) return *std::move(lease);
  ExclusiveLock lock(*file, boost::interprocess::accept_ownership);
  review_.pass(spec, op);
  HowAcquired how = HowAcquired::hit;  // another process may have built it while we waited
  std::optional<BaseFile> base = BaseFile::find(layout_, key);
  if (!base) base = inherited(spec, known, op);
  if (!base) {
    base = builder_.build(spec, op, known.record);
    how = HowAcquired::built;
  }
  mark_used(*base);
  auto held = leases_->hold(key, std::move(file), boost::move(lock));
  return BaseFileLease(std::move(held), *std::move(base), how);
}

// Nothing: `file` is locked exclusively. Who waits to build and finds it built must not go on waiting for the lock:
// those who use the base file hold it shared one after the other, and may themselves wait for a build that is queued
// behind us.
std::optional<BaseFileLease> ImageCache::lock_or_hit(FileLock& file, const model::CacheKey& key, OpContext& op) {
  const auto step = op.steps().measure("lock");
  std::optional<BaseFileLease> lease;
  (void)try_lock_until(file, op, [&] {
    review_.refuse_unfit(key);  // rather than to wait for its users, who may wait for us
    return (lease = hit(key, op)).has_value();
  });
  return lease;
}

// What stands there without a record: Nova made it.
std::optional<BaseFile> ImageCache::inherited(const model::BaseFileSpec& spec, const KnownImage& known, OpContext& op) {
  const auto* image = std::get_if<model::ImageBase>(&spec);
  if (image == nullptr || !boost::filesystem::exists(layout_.base_file(model::key_of(spec)))) return std::nullopt;
  return builder_.adopt(*image, op, known.record);
}

std::vector<CacheEntry> ImageCache::list() const {
  std::vector<model::CacheKey> keys;
  for (const auto& entry : boost::filesystem::directory_iterator(layout_.base_directory())) {
    if (auto key = model::CacheKey::parse(entry.path().filename().native())) keys.push_back(std::move(*key));
  }
  std::sort(keys.begin(), keys.end());
  std::vector<CacheEntry> entries;
  for (const model::CacheKey& key : keys) {
    if (auto entry = find(key)) entries.push_back(*std::move(entry));
  }
  return entries;
}

std::optional<CacheEntry> ImageCache::find(const model::CacheKey& key) const {
  struct stat found {};
  if (::lstat(layout_.base_file(key).c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  CacheEntry entry{.key = key, .record = read_record(layout_, key)};
  entry.virtual_size = entry.record ? entry.record->virtual_size : Bytes{static_cast<std::uint64_t>(found.st_size)};
  entry.allocated = {static_cast<std::uint64_t>(found.st_blocks) * 512};
  entry.age = std::chrono::seconds(std::max<std::int64_t>(0, std::time(nullptr) - found.st_mtim.tv_sec));
  entry.leases = leases_->count(key);
  entry.pin = Pins(layout_).reason(key);
  entry.unfit = read_unfitness(layout_, key);
  return entry;
}

}  // namespace basecache::cache
