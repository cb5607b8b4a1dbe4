#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/base/digest.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/staged_file.hpp"
#include "agent/cache/fetched_image.hpp"
#include "agent/cache/image_inspector.hpp"
#include "agent/cache/image_source.hpp"

namespace basecache::cache {

// What happens to an image's bytes while they arrive, once, in order: each block is hashed, inspected and written.
// This is the one place where the consumers of the stream meet; a decoder that writes raw while bytes arrive joins
// here.
class ImageStream : public ImageSink {
 public:
  // `demanded`: a digest the caller wants besides the one the source promises.
  ImageStream(model::ImageRecord record, std::optional<Digest> demanded, StagedFile file,
              const ImageInspector& inspector, OpContext& op);

  std::optional<HeldBytes> held() override;
  void start(const Transfer& transfer) override;
  void write(std::span<const std::byte> bytes) override;

  // After the source has returned. Error(checksum_mismatch) with both values, Error(image_unacceptable) when there were
  // no bytes or not as many as the record says.
  FetchedImage finish() &&;

 private:
  void verify_size() const;
  Digest verify_digests();

  model::ImageRecord record_;
  std::vector<Digest> expected_;
  std::vector<Hasher> hashers_;  // hashers_[0] is the digest that is kept in the record of the base file
  std::vector<DigestAlgorithm> algorithms_;
  StagedFile file_;
  const ImageInspector& inspector_;
  std::unique_ptr<Inspection> inspection_;
  OpContext& op_;
};

}  // namespace basecache::cache
