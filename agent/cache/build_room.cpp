#include "agent/cache/build_room.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "agent/model/disk_format.hpp"

namespace basecache::cache {
namespace {

// Of an image that comes without a size.
constexpr Bytes kLeastStep = mebibytes(1);
constexpr Bytes kMostStep = mebibytes(64);
constexpr std::uint64_t kStepsShare = 8;

// Journal, superblocks and tables of an empty file system (measured: ext4 takes 33 MiB of 1 GiB, 517 MiB of 100 GiB;
// xfs less); a swap space takes a page.
constexpr Bytes kLeastOfBlank = mebibytes(32);
constexpr std::uint64_t kBlanksShare = 128;

bool may_have_holes(const model::ImageRecord& record) {
  return model::disk_format_from(record.disk_format.value_or("raw")) == model::DiskFormat::raw;
}

Bytes allocated_of(const struct stat& file) { return {static_cast<std::uint64_t>(file.st_blocks) * 512}; }

}  // namespace

BuildRoom::BuildRoom(Reservations* reservations, const layout::CacheLayout& layout, const model::CacheKey& key,
                     std::string what)
    : image_(layout.fetched(key)),
      disk_(layout.converted(key)),
      limits_are_set_(reservations != nullptr && reservations->limits().are_set()) {
  if (reservations != nullptr) own_.emplace(*reservations, std::move(what));
}

// What is raw may be sparse, and a file of this node says how much of it is there once it is opened. With limits set,
// it has to fit as if it weren't.
void BuildRoom::expect_image(const model::ImageRecord& record, const OpContext& op) {
  declared_ = record.size;
  may_be_sparse_ = may_have_holes(record) && !limits_are_set_;
  if (record.size && !may_be_sparse_) want_image(*record.size, op);
}

void BuildRoom::want_image(Bytes size, const OpContext& op) {
  if (own_) own_->want(image_, size, may_be_sparse_ ? Certainty::at_most : Certainty::exact, op);
  image_size_ = size;
}

// Nobody said how much it would be: what a sparse one has not allocated so far it won't.
void BuildRoom::want_more(Bytes received, const OpContext& op) {
  const Bytes step = std::clamp(Bytes{received.count / kStepsShare}, kLeastStep, kMostStep);
  struct stat found {};
  const bool counts = may_be_sparse_ && ::lstat(image_.c_str(), &found) == 0;
  if (own_) own_->want(image_, (counts ? allocated_of(found) : received) + step, Certainty::exact, op);
  image_size_ = received + step;
}

// Few disks take more than twice what their image does.
void BuildRoom::expect_disk(Bytes virtual_size, const OpContext& op) {
  if (!own_) return;
  if (stays_where_it_is_) own_->settle(image_);
  const Bytes likely{image_size_.count <= virtual_size.count / 2 ? 2 * image_size_.count : virtual_size.count};
  own_->want(disk_, limits_are_set_ ? virtual_size : likely, Certainty::at_most, op);
}

void BuildRoom::expect_blank(Bytes size, const OpContext& op) {
  if (!own_) return;
  own_->want(image_, std::min(size, kLeastOfBlank + Bytes{size.count / kBlanksShare}), Certainty::at_most, op);
}

void BuildRoom::arrived() {
  if (own_) own_->settle(image_);
}

void BuildRoom::made() {
  if (own_) own_->settle();
}

std::optional<fetch::HeldBytes> BuildRoom::Sink::held() {
  const auto held = sink_.held();
  if (held) {
    received_ = held->count;
    if (held->transfer.size) room_.want_image(*held->transfer.size, op_);
  }
  return held;
}

void BuildRoom::Sink::start(const fetch::Transfer& transfer) {
  received_ = {};
  room_.stays_where_it_is_ = transfer.file >= 0;
  // Another size than the declared one is refused for that.
  if (transfer.size && transfer.size == room_.declared_.value_or(*transfer.size)) {
    Bytes size = *transfer.size;
    struct stat found {};
    const bool is_seen = transfer.file >= 0 && ::fstat(transfer.file, &found) == 0;
    if (is_seen && !room_.limits_are_set_) size = std::min(size, allocated_of(found));
    room_.want_image(size, op_);
  }
  sink_.start(transfer);
}

void BuildRoom::Sink::write(std::span<const std::byte> bytes) {
  received_ = received_ + Bytes{bytes.size()};
  if (received_ > room_.image_size_) room_.want_more(received_, op_);
  sink_.write(bytes);
}

}  // namespace basecache::cache
