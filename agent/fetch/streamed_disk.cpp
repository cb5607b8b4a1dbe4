#include "agent/fetch/streamed_disk.hpp"

#include <fmt/format.h>

#include <array>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"

namespace basecache::fetch {

void StreamedDisk::follow(int image, Bytes length, const OpContext& op) {
  if (!begun_ && length >= ImageDecoder::kBeginning) {
    begun_ = true;
    std::array<std::byte, ImageDecoder::kBeginning.count> beginning{};
    (void)read_at(image, beginning, 0, "an image");  // fewer: zeros that are still to become a hole
    if (const auto size = expect_ ? decoder_.size_of(beginning) : std::nullopt) expect_(*size);
    file_.emplace(StagedFile::create(path_));
    decoding_ = decoder_.begin(beginning, image, file_->fd(), op);
    if (!decoding_) file_.reset();
  }
  if (decoding_) decoding_->arrived(length);
}

void StreamedDisk::restart() {
  decoding_.reset();
  file_.reset();
  begun_ = false;
}

SummedFile StreamedDisk::finish(Bytes virtual_size, OpContext& op) && {
  const DecodedDisk disk = decoding_->finish(op);
  decoding_.reset();
  if (disk.size != virtual_size) {
    throw Error(ErrorCode::internal,
                fmt::format("an image of {} bytes was decoded to {}", virtual_size.count, disk.size.count));
  }
  file_->adopt();
  return {.file = *std::move(file_), .sum = disk.sum};
}

}  // namespace basecache::fetch
