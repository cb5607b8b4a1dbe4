#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"
#include "backends/inspect/byte_reader.hpp"
#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

// A table of numbers inside an image.
struct NumberTable {
  std::uint64_t offset = 0;
  std::uint64_t entries = 0;
  std::uint32_t width = 8;  // bytes of each number: 4 or 8
  ByteOrder order = ByteOrder::big;
};

// An image that lies whole in a file, for the second look: any part of it, in the order in which tables name each
// other. Nothing is kept of it, so that memory doesn't depend on the image.
class ImageFile {
 public:
  // Error(storage_unusable) when it can't be opened, later when it can't be read; Cancelled when `op` is.
  ImageFile(const Path& path, const OpContext& op);

  std::uint64_t length() const { return length_; }
  bool holds(ByteRange range) const { return range.offset <= length_ && range.length <= length_ - range.offset; }
  // A small part; refuses the image as truncated when it isn't inside the file. At most 64 KiB.
  std::vector<std::byte> read(ByteRange range) const;
  // Each number with its place in the table, in order, as far as the file goes.
  void for_each(const NumberTable& table,
                const std::function<void(std::uint64_t position, std::uint64_t number)>& visit) const;

 private:
  UniqueFd file_;
  const Path& path_;
  const OpContext& op_;
  std::uint64_t length_;
};

}  // namespace basecache::inspect
