#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/inspect/image_file.hpp"

namespace basecache::inspect {

// Pages of an image file that were read lately, for numbers that stand here and there, most of them side by side.
class FilePages {
 public:
  static constexpr std::uint64_t kPageSize = 4096;

  // Keeps so many pages, at least one. `file` must outlive this.
  FilePages(const ImageFile& file, std::size_t pages) : file_(file), pages_(pages) {}

  // The bytes from `offset` to the end of its page, fewer at the end of the file; good until the next call. Refuses the
  // image as truncated when the page isn't inside the file.
  std::span<const std::byte> from(std::uint64_t offset);

 private:
  struct Page {
    std::uint64_t number = ~std::uint64_t{0};
    std::vector<std::byte> bytes = {};
  };

  const ImageFile& file_;
  std::vector<Page> pages_;  // each number has one place
};

}  // namespace basecache::inspect
