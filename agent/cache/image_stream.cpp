#include "agent/cache/image_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::cache {
namespace {

// What is kept of an image nobody promised a digest for: the default of Glance's os_hash_algo.
constexpr DigestAlgorithm kDefaultAlgorithm = DigestAlgorithm::sha512;

}  // namespace

ImageStream::ImageStream(model::ImageRecord record, std::optional<Digest> demanded, StagedFile file,
                         const ImageInspector& inspector, OpContext& op)
    : record_(std::move(record)),
      file_(std::move(file)),
      inspector_(inspector),
      inspection_(inspector.begin()),
      op_(op) {
  if (demanded) expected_.push_back(*demanded);
  if (record_.digest) expected_.push_back(*record_.digest);
  for (const Digest& digest : expected_) {
    if (std::ranges::find(algorithms_, digest.algorithm) == algorithms_.end()) algorithms_.push_back(digest.algorithm);
  }
  if (algorithms_.empty()) algorithms_.push_back(kDefaultAlgorithm);
  for (const DigestAlgorithm algorithm : algorithms_) hashers_.emplace_back(algorithm);
}

std::optional<HeldBytes> ImageStream::held() { return std::nullopt; }

void ImageStream::start(const Transfer&) {
  file_.restart();
  for (Hasher& hasher : hashers_) hasher.restart();
  inspection_ = inspector_.begin();
}

void ImageStream::write(std::span<const std::byte> bytes) {
  op_.check();
  for (Hasher& hasher : hashers_) hasher.update(bytes);
  inspection_->feed(bytes);
  file_.append(bytes);
}

void ImageStream::verify_size() const {
  if (file_.size().count == 0) {
    throw Error(ErrorCode::image_unacceptable, fmt::format("image {} is empty", quote(record_.ref.shown())))
        .set_hint("look at the image at its source: its upload may not have finished");
  }
  if (record_.size && *record_.size != file_.size()) {
    throw Error(ErrorCode::image_unacceptable,
                fmt::format("image {} has {} bytes, its record says {}", quote(record_.ref.shown()), file_.size().count,
                            record_.size->count));
  }
}

Digest ImageStream::verify_digests() {
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
  verify_size();
  Digest digest = verify_digests();
  file_.finish();
  return FetchedImage(std::move(record_), std::move(file_), std::move(digest), std::move(inspection_));
}

}  // namespace basecache::cache
