#include "backends/qemu/image_limits.hpp"

namespace basecache::qemu {
namespace {

constexpr Bytes kAddressSpace = gibibytes(2);

}  // namespace

sandbox::Limits limits_of_looking() {
  return {.address_space = kAddressSpace, .cpu_time = std::chrono::seconds(30), .file_size = {}};
}

sandbox::Limits limits_of_converting(Bytes virtual_size) {
  constexpr std::uint64_t kSlowest = mebibytes(10).count;  // a second
  const std::chrono::seconds cpu_time(600 + virtual_size.count / kSlowest);
  return {.address_space = kAddressSpace, .cpu_time = cpu_time, .file_size = virtual_size};
}

// A raw disk grows to its size; a qcow2 disk's tables are smaller than that, but for the smallest disks.
sandbox::Limits limits_of_changing(Bytes virtual_size) {
  return {
      .address_space = kAddressSpace, .cpu_time = std::chrono::seconds(60), .file_size = virtual_size + gibibytes(1)};
}

}  // namespace basecache::qemu
