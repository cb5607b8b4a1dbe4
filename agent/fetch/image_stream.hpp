#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/base/digest.hpp"
#include "agent/base/op_context.hpp"
#include "agent/fetch/fetched_image.hpp"
#include "agent/fetch/image_inspector.hpp"
#include "agent/fetch/image_scan.hpp"
#include "agent/fetch/image_source.hpp"
#include "agent/fetch/local_image.hpp"
#include "agent/fetch/staged_transfer.hpp"
#include "agent/fetch/streamed_disk.hpp"

namespace basecache::fetch {

// The digests that are taken of an image's bytes.
struct WantedDigests {
  std::vector<Digest> expected = {};  // what they must be
  // Of which one is kept in the record of the base file. A local file's that nobody vouches for isn't taken, unless the
  // file is decoded (a raw base file is its source, and has a sum of its own) or `is_kept_always`.
  DigestAlgorithm kept = DigestAlgorithm::sha256;
  bool is_kept_always = false;
};

// Expected is what the caller demands and what the source promises. A promised md5 can be forged, but finds accidents:
// it is expected like any other; whether it also tells these bytes from others, and is kept, `allow_md5` says.
WantedDigests wanted_digests(const model::ImageRecord& record, const std::optional<Digest>& demanded, bool allow_md5);

// What happens to an image's bytes while they arrive: they are written, and behind that scanned and, where that is
// known how to, decoded, each by a thread or process of its own. This is the one place where these meet. What an
// earlier transfer left goes the same way first. An image that is a file of this node is decoded from there, or cloned
// or copied within the kernel.
class ImageStream : public ImageSink {
 public:
  // `verification` may be null; without `disk` nothing is decoded on the way.
  ImageStream(model::ImageRecord record, WantedDigests digests, StagedTransfer transfer,
              const ImageInspector& inspector, std::unique_ptr<Verification> verification,
              std::optional<StreamedDisk> disk, OpContext& op);

  std::optional<HeldBytes> held() override;
  // Error(image_unacceptable) for an announced size that isn't the record's, and for a transfer that doesn't tell its
  // end where neither a size nor a digest nor a signature would tell that something is missing.
  void start(const Transfer& transfer) override;
  // Error(image_unacceptable) for more bytes than the record says; then none are held any more.
  void write(std::span<const std::byte> bytes) override;

  // Waits for the scan: step "verify". Error(checksum_mismatch) with both values, Error(image_unacceptable) when there
  // were no bytes or not as many as the record says; what the verification throws. Refuted bytes are thrown away. Again
  // without new bytes: nothing.
  void verify() override;
  // Whether what was refuted last, with nothing received since, had come by more than one transfer.
  bool refuted_mixture() const { return refuted_mixture_; }
  // From now on one transfer brings the whole image or fails: held() is nothing, whatever an attempt, a server or a
  // location leaves to the next. What is left in the end may be gone on with by another stream.
  void mix_no_more() { mixes_ = false; }
  // After verify().
  FetchedImage finish() &&;

 private:
  void take(int file, Bytes size);
  bool decode_from(int file);
  void follow(int file, Bytes length);
  bool stays_as_it_is() const;
  Bytes size() const;
  void begin_anew(const Transfer& transfer);
  void refute();
  void check_announced(const Transfer& transfer) const;
  std::optional<Digest> verified();
  void verify_size() const;
  std::optional<Digest> matching_digest();

  model::ImageRecord record_;
  std::vector<Digest> expected_;
  bool keeps_digest_;
  StagedTransfer transfer_;
  std::optional<LocalImage> local_;  // then the staged file stays empty; before those who read it
  ImageScan scan_;
  std::optional<StreamedDisk> disk_;
  bool mixes_ = true;
  bool resumed_ = false;
  bool refuted_mixture_ = false;
  bool is_verified_ = false;
  std::optional<Digest> digest_ = {};
  OpContext& op_;
};

}  // namespace basecache::fetch
