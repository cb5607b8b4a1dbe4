#include "agent/fetch/image_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::fetch {
namespace {

// The kept one first.
std::vector<DigestAlgorithm> algorithms_of(DigestAlgorithm kept, const std::vector<Digest>& expected) {
  std::vector<DigestAlgorithm> algorithms{kept};
  for (const Digest& digest : expected) {
    if (std::ranges::find(algorithms, digest.algorithm) == algorithms.end()) algorithms.push_back(digest.algorithm);
  }
  return algorithms;
}

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
      keeps_digest_(digests.is_kept_always),
      transfer_(std::move(transfer)),
      scan_(algorithms_of(digests.kept, expected_), inspector, std::move(verification)),
      disk_(std::move(disk)),
      op_(op) {}

std::optional<HeldBytes> ImageStream::held() {
  if (!mixes_) return std::nullopt;
  const std::optional<HeldBytes> held = transfer_.held();
  if (!held) return std::nullopt;
  resumed_ = true;
  follow(transfer_.fd(), transfer_.size());
  return held;
}

void ImageStream::check_announced(const Transfer& transfer) const {
  if (record_.size && transfer.size && *transfer.size != *record_.size) {
    throw wrong_size(record_, std::to_string(transfer.size->count));
  }
  const bool is_checked = record_.size || !expected_.empty() || scan_.checks_signature();
  if (transfer.tells_end || is_checked) return;
  throw Error(ErrorCode::image_unacceptable,
              fmt::format("nothing would tell whether image {} is whole: it is sent without a length, and there is no "
                          "digest of it",
                          quote(record_.ref.shown())))
      .set_hint("give its checksum with the request (--checksum), or let the server send a Content-Length");
}

void ImageStream::start(const Transfer& transfer) {
  check_announced(transfer);
  begin_anew(transfer);
  resumed_ = false;
  refuted_mixture_ = false;
  is_verified_ = false;
  if (transfer.file >= 0) take(transfer.file, transfer.size.value());
}

// What is decoded from there needs no copy; everything else becomes one, which nobody else can change.
void ImageStream::take(int file, Bytes size) {
  if (decode_from(file)) return;
  if (expected_.empty() && !keeps_digest_) scan_.take_no_digests();
  const std::string name = record_.ref.shown();
  const auto reached = [&](Bytes length) {
    op_.report({.step = "fetch", .subject = name, .done = length.count, .total = size.count});
    if (length < size) follow(transfer_.fd(), length);
  };
  if (transfer_.copy({file, Path(name)}, size, reached, op_)) scan_.skip_holes();
  follow(transfer_.fd(), size);
}

bool ImageStream::decode_from(int file) {
  if (!disk_) return false;
  local_.emplace(file, record_.ref.shown());
  if (local_->is_trusted()) disk_->follow(local_->fd(), local_->size(), op_);
  if (*disk_) {
    scan_.take_no_sum();
    scan_.follow(local_->fd(), local_->size());
    return true;
  }
  disk_->restart();
  local_.reset();
  return false;
}

Bytes ImageStream::size() const { return local_ ? local_->size() : transfer_.size(); }

void ImageStream::write(std::span<const std::byte> bytes) {
  op_.check();
  // Before it is written: an endless body must not fill the disk, nor be gone on with.
  if (record_.size && transfer_.received() + Bytes{bytes.size()} > *record_.size) {
    refute();
    throw wrong_size(record_, "more");
  }
  transfer_.append(bytes);
  is_verified_ = false;
  follow(transfer_.fd(), transfer_.size());
}

void ImageStream::follow(int file, Bytes length) {
  if (disk_) disk_->follow(file, length, op_);
  if (disk_ && *disk_) scan_.take_no_sum();  // the disk's is what counts
  scan_.follow(file, length);
  if (!stays_as_it_is()) return;
  transfer_.write_behind();
  scan_.drop_passed();
}

// Whether the staged file, as far as one can tell yet, becomes the base file: else it goes when that is made.
bool ImageStream::stays_as_it_is() const {
  if (!disk_) return true;
  const auto declared = model::disk_format_from(record_.disk_format.value_or("raw"));
  return disk_->declined() && declared == model::DiskFormat::raw;
}

void ImageStream::verify() {
  if (is_verified_) return;
  if (!local_) {
    transfer_.flush();
    follow(transfer_.fd(), transfer_.size());
  }
  scan_.catch_up(op_, record_.ref.shown());
  if (local_) local_->check_unchanged();  // else its bytes were nobody's
  try {
    digest_ = verified();
    is_verified_ = true;
  } catch (...) {
    refute();
    throw;
  }
}

void ImageStream::refute() {
  refuted_mixture_ = resumed_;
  begin_anew({});
}

// First those who read.
void ImageStream::begin_anew(const Transfer& transfer) {
  scan_.restart();
  if (disk_) disk_->restart();
  local_.reset();
  transfer_.start(transfer);
}

std::optional<Digest> ImageStream::verified() {
  verify_size();
  std::optional<Digest> kept = matching_digest();
  scan_.verify_signature();
  return kept;
}

void ImageStream::verify_size() const {
  if (size().count == 0) {
    throw Error(ErrorCode::image_unacceptable, fmt::format("image {} is empty", quote(record_.ref.shown())))
        .set_hint("look at the image at its source: its upload may not have finished");
  }
  if (record_.size && *record_.size != size()) {
    throw wrong_size(record_, std::to_string(size().count));
  }
}

std::optional<Digest> ImageStream::matching_digest() {
  const std::vector<Digest> found = scan_.digests();
  for (const Digest& expected : expected_) {
    const auto same = std::ranges::find(found, expected.algorithm, &Digest::algorithm);
    if (*same == expected) continue;
    throw Error(ErrorCode::checksum_mismatch, fmt::format("image {} has {} {}, expected {}", quote(record_.ref.shown()),
                                                          name_of(expected.algorithm), same->hex, expected.hex))
        .add_field("expected", expected.text())
        .add_field("found", same->text())
        .set_hint("the image or the checksum is not the one that was meant; nothing was kept");
  }
  return found.empty() ? std::nullopt : std::optional(found.front());
}

FetchedImage ImageStream::finish() && {
  transfer_.finish();
  return FetchedImage(std::move(record_), std::move(transfer_), std::move(local_), std::move(digest_),
                      scan_.take_inspection(), scan_.sum(), std::move(disk_));
}

}  // namespace basecache::fetch
