#pragma once

#include <memory>
#include <optional>

#include "agent/base/digest.hpp"
#include "agent/fetch/image_inspector.hpp"
#include "agent/fetch/local_image.hpp"
#include "agent/fetch/staged_transfer.hpp"
#include "agent/fetch/streamed_disk.hpp"
#include "agent/model/image.hpp"

namespace basecache::fetch {

// All bytes of an image, arrived and verified against every digest that was promised or demanded, in a staged file.
// Not inspected yet, so nothing can be done with it but to make an InspectedImage of it. Made by ImageStream only.
class FetchedImage {
 public:
  const model::ImageRecord& record() const { return record_; }
  const std::optional<Digest>& digest() const { return digest_; }

 private:
  friend class ImageStream;
  friend class InspectedImage;
  FetchedImage(model::ImageRecord record, StagedTransfer transfer, std::optional<LocalImage> local,
               std::optional<Digest> digest, std::unique_ptr<Inspection> inspection, SectorSum sum,
               std::optional<StreamedDisk> disk)
      : record_(std::move(record)),
        transfer_(std::move(transfer)),
        local_(std::move(local)),
        digest_(std::move(digest)),
        inspection_(std::move(inspection)),
        sum_(sum),
        disk_(std::move(disk)) {}

  Path path() const { return local_ ? local_->path() : transfer_.path(); }
  // Before any verdict: what somebody wrote to meanwhile was no image.
  void check_unchanged() const {
    if (local_) local_->check_unchanged();
  }

  model::ImageRecord record_;
  StagedTransfer transfer_;
  std::optional<LocalImage> local_;         // decoded from there instead
  std::optional<Digest> digest_;            // of a local file that nobody vouches for: may be none
  std::unique_ptr<Inspection> inspection_;  // has seen every byte
  SectorSum sum_;                           // of the bytes as they came
  std::optional<StreamedDisk> disk_;        // decoded from it, or still being
};

// A fetched image whose true format is known and which holds nothing dangerous. Only such bytes are handed to another
// program or published.
class InspectedImage {
 public:
  // Error(image_unacceptable).
  static InspectedImage inspect(FetchedImage fetched, model::ImageUse use, const ImageInspector& inspector,
                                const OpContext& op) {
    const InspectionReport report =
        with_tables(fetched.inspection_->finish(fetched.record_.disk_format, use), inspector, fetched.path(), op);
    fetched.check_unchanged();
    const InspectionVerdict verdict = report.require_safe();
    return InspectedImage(std::move(fetched), verdict);
  }

  const InspectionVerdict& verdict() const { return verdict_; }
  // As its source described it.
  const model::ImageRecord& record() const { return fetched_.record_; }
  // The registry's word, which agrees.
  const std::optional<std::string>& declared_format() const { return fetched_.record_.disk_format; }
  Path path() const { return fetched_.path(); }
  const std::optional<Digest>& digest() const { return fetched_.digest_; }
  // Error(source_unavailable) when it was read from a file that somebody has written to meanwhile.
  void check_unchanged() const { fetched_.check_unchanged(); }
  // The disk that was decoded on the way; nothing where none was.
  std::optional<SummedFile> finish_disk(OpContext& op) {
    if (!fetched_.disk_ || !*fetched_.disk_) return std::nullopt;
    try {
      SummedFile disk = std::move(*fetched_.disk_).finish(verdict_.virtual_size, op);
      check_unchanged();
      return disk;
    } catch (const Error&) {
      check_unchanged();
      throw;
    }
  }
  SummedFile take_file() && { return {.file = std::move(fetched_.transfer_).take_file(), .sum = fetched_.sum_}; }

 private:
  InspectedImage(FetchedImage fetched, InspectionVerdict verdict) : fetched_(std::move(fetched)), verdict_(verdict) {}

  FetchedImage fetched_;
  InspectionVerdict verdict_;
};

}  // namespace basecache::fetch
