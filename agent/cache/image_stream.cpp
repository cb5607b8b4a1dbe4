#include "agent/cache/image_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::cache {
namespace {

// Of what is read back from the staged file. Between two blocks the operation may be cancelled.
constexpr std::size_t kBlock = 1 << 20;

// `found`: a number of bytes, or what is known of it.
Error wrong_size(const model::ImageRecord& record, std::string_view found) {
  return Error(ErrorCode::image_unacceptable, fmt::format("image {} has {} bytes, its record says {}",
                                                          quote(record.ref.shown()), found, record.size->count))
      .set_hint("look at the image at its source: its record and its bytes are not of one image");
}

}  // namespace

WantedDigests wanted_digests(const model::ImageRecord& record, const std::optional<Digest>& demanded, bool allow_md5) {
  WantedDigests wanted;
  const std::optional<Digest>& promised = record.digest;
  if (promised && (allow_md5 || promised->algorithm != DigestAlgorithm::md5)) wanted.kept = promised->algorithm;
  if (demanded) {
    wanted.kept = demanded->algorithm;
    wanted.expected.push_back(*demanded);
  }
  if (promised) wanted.expected.push_back(*promised);
  return wanted;
}

ImageStream::ImageStream(model::ImageRecord record, WantedDigests digests, StagedTransfer transfer,
                         const ImageInspector& inspector, std::unique_ptr<Verification> verification,
                         std::optional<StreamedDisk> disk, OpContext& op)
    : record_(std::move(record)),
      expected_(std::move(digests.expected)),
      algorithms_{digests.kept},
      transfer_(std::move(transfer)),
      inspector_(inspector),
      inspection_(inspector.begin()),
      verification_(std::move(verification)),
      disk_(std::move(disk)),
      op_(op) {
  for (const Digest& digest : expected_) {
    if (std::ranges::find(algorithms_, digest.algorithm) == algorithms_.end()) algorithms_.push_back(digest.algorithm);
  }
  for (const DigestAlgorithm algorithm : algorithms_) hashers_.emplace_back(algorithm);
}

std::optional<HeldBytes> ImageStream::held() {
  if (!mixes_) return std::nullopt;
  const std::optional<HeldBytes> held = transfer_.held();
  if (!held) return std::nullopt;
  if (consumed_ < held->count) pass_held_bytes();
  resumed_ = true;
  return held;
}

// Rather than to keep the state of each hasher and of the inspection on disk: that would vouch for bytes which may not
// be the ones that are there.
void ImageStream::pass_held_bytes() {
  const auto step = op_.steps().measure("resume");
  const Bytes all = transfer_.size();
  if (disk_) disk_->follow(transfer_, op_);
  std::vector<std::byte> block(kBlock);
  while (consumed_ < all) {
    op_.check();
    const auto part = std::span(block).first(std::min<std::size_t>(block.size(), (all - consumed_).count));
    transfer_.read(part, consumed_);
    consume(part);
    op_.report({.step = "resume", .subject = record_.ref.shown(), .done = consumed_.count, .total = all.count});
  }
}

void ImageStream::check_announced(const Transfer& transfer) const {
  if (record_.size && transfer.size && *transfer.size != *record_.size) {
    throw wrong_size(record_, std::to_string(transfer.size->count));
  }
  const bool is_checked = record_.size || !expected_.empty() || verification_;
  if (transfer.tells_end || is_checked) return;
  throw Error(ErrorCode::image_unacceptable,
              fmt::format("nothing would tell whether image {} is whole: it is sent without a length, and there is no "
                          "digest of it",
                          quote(record_.ref.shown())))
      .set_hint("give its checksum with the request (--checksum), or let the server send a Content-Length");
}

void ImageStream::start(const Transfer& transfer) {
  check_announced(transfer);
  transfer_.start(transfer);
  for (Hasher& hasher : hashers_) hasher.restart();
  if (verification_) verification_->restart();
  inspection_ = inspector_.begin();
  sum_ = {};
  if (disk_) disk_->restart();
  consumed_ = {};
  resumed_ = false;
  refuted_mixture_ = false;
  digest_.reset();
}

void ImageStream::write(std::span<const std::byte> bytes) {
  op_.check();
  // Before it is written: an endless body must not fill the disk, nor be gone on with.
  if (record_.size && consumed_ + Bytes{bytes.size()} > *record_.size) {
    refute();
    throw wrong_size(record_, "more");
  }
  consume(bytes);
  transfer_.append(bytes);
  if (disk_) disk_->follow(transfer_, op_);
}

void ImageStream::consume(std::span<const std::byte> bytes) {
  for (Hasher& hasher : hashers_) hasher.update(bytes);
  if (verification_) verification_->update(bytes);
  inspection_->feed(bytes);
  sum_.add(bytes);
  consumed_.count += bytes.size();
  digest_.reset();
}

void ImageStream::verify() {
  if (digest_) return;
  try {
    digest_ = verified();
  } catch (...) {
    refute();
    throw;
  }
}

void ImageStream::refute() {
  refuted_mixture_ = resumed_;
  transfer_.start({});
  if (disk_) disk_->restart();
}

Digest ImageStream::verified() {
  verify_size();
  Digest kept = matching_digest();
  if (verification_) verification_->finish();
  return kept;
}

void ImageStream::verify_size() const {
  if (transfer_.size().count == 0) {
    throw Error(ErrorCode::image_unacceptable, fmt::format("image {} is empty", quote(record_.ref.shown())))
        .set_hint("look at the image at its source: its upload may not have finished");
  }
  if (record_.size && *record_.size != transfer_.size()) {
    throw wrong_size(record_, std::to_string(transfer_.size().count));
  }
}

Digest ImageStream::matching_digest() {
  std::vector<Digest> found;
  for (Hasher& hasher : hashers_) found.push_back(hasher.finish());
  for (const Digest& expected : expected_) {
    const auto same = std::ranges::find(found, expected.algorithm, &Digest::algorithm);
    if (*same == expected) continue;
    throw Error(ErrorCode::checksum_mismatch, fmt::format("image {} has {} {}, expected {}", quote(record_.ref.shown()),
                                                          name_of(expected.algorithm), same->hex, expected.hex))
        .add_field("expected", expected.text())
        .add_field("found", same->text())
        .set_hint("the image or the checksum is not the one that was meant; nothing was kept");
  }
  return found.front();
}

FetchedImage ImageStream::finish() && {
  transfer_.finish();
  return FetchedImage(std::move(record_), std::move(transfer_), digest_.value(), std::move(inspection_), sum_.finish(),
                      std::move(disk_));
}

}  // namespace basecache::cache
