#pragma once

#include <algorithm>
#include <cstddef>

#include "agent/fetch/image_decoder.hpp"
#include "backends/sandbox/sandbox.hpp"

namespace basecache::decode {

// Decodes qcow2 in a child process that is confined to its pipes, the image and the disk (decode_program.hpp): what a
// hostile image makes of the decoder can write nothing but a disk that is thrown away.
class ChildDecoder : public fetch::ImageDecoder {
 public:
  // Larger disks aren't decoded. `sandbox` must outlive this. `threads`: of one child, kMostThreads at most.
  ChildDecoder(const sandbox::Sandbox& sandbox, Bytes most_virtual_size, std::size_t threads)
      : sandbox_(sandbox), most_virtual_size_(most_virtual_size), threads_(std::min(threads, kMostThreads)) {}

  // More than any transfer keeps busy; all their stacks and buffers find room in the child's address space.
  static constexpr std::size_t kMostThreads = 16;

  std::optional<Bytes> size_of(std::span<const std::byte> beginning) const override;
  std::unique_ptr<fetch::Decoding> begin(std::span<const std::byte> beginning, int image, int raw_disk,
                                         const OpContext& op) const override;

 private:
  const sandbox::Sandbox& sandbox_;
  Bytes most_virtual_size_;
  std::size_t threads_;
};

}  // namespace basecache::decode
