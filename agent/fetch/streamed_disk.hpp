#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "agent/base/op_context.hpp"
#include "agent/base/staged_file.hpp"
#include "agent/fetch/image_decoder.hpp"

namespace basecache::fetch {

// A staged file, and the sum of what it holds where that was taken on the way.
struct SummedFile {
  StagedFile file;
  std::optional<SectorSum> sum = {};
};

// The raw disk that is decoded from an image while its transfer brings it; no disk where the decoder doesn't know what
// is brought.
class StreamedDisk {
 public:
  // `raw_disk`: where it is staged. `decoder` outlives this; the caller holds the exclusive lock of the key. `expect`:
  // told the disk's size before anything of it is written; what it throws ends the transfer.
  StreamedDisk(const ImageDecoder& decoder, Path raw_disk, std::function<void(Bytes)> expect = {})
      : decoder_(decoder), path_(std::move(raw_disk)), expect_(std::move(expect)) {}

  // The first `length` bytes of the image are in `image`, which outlives the decoding.
  void follow(int image, Bytes length, const OpContext& op);
  // The image begins anew.
  void restart();

  // Whether the image is being decoded.
  explicit operator bool() const { return file_.has_value(); }
  // Whether enough of it is there to know that it won't be.
  bool declined() const { return begun_ && !file_; }
  // After the last byte: the whole disk, to be published. Error as of Decoding::finish(), Error(internal) when the disk
  // hasn't the size that it should.
  SummedFile finish(Bytes virtual_size, OpContext& op) &&;

 private:
  const ImageDecoder& decoder_;
  Path path_;
  std::function<void(Bytes)> expect_;
  bool begun_ = false;
  std::optional<StagedFile> file_;
  std::unique_ptr<Decoding> decoding_;  // after the file that it writes
};

}  // namespace basecache::fetch
