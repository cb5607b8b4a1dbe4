// Whatever bytes: by one thread or two, at once or as they arrive, the decoder makes the disk of them that a simple
// sequential reader makes, and its sum is that disk's; or it refuses them, and so does the reader.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/unique_fd.hpp"
#include "backends/decode/qcow2_decoder.hpp"
#include "tests/fuzz/sequential_qcow2.hpp"

namespace {

using namespace basecache;

constexpr std::uint64_t kMostVirtualSize = 16 << 20;
constexpr std::size_t kShortestFile = 72;  // a header of version 2

using Disk = std::vector<std::byte>;

UniqueFd memory_file() { return UniqueFd(::memfd_create("fuzz", MFD_CLOEXEC)); }

void require(bool holds) {
  if (!holds) std::abort();
}

Disk content_of(const UniqueFd& file) {
  Disk content(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)));
  require(read_at(file.get(), content, 0, "disk") == content.size());
  return content;
}

std::optional<Disk> decoded(decode::ArrivingFile& image, std::size_t threads) {
  const UniqueFd output = memory_file();
  try {
    const decode::DecodedDisk told = decode::Qcow2Decoder(image, output.get()).decode(threads);
    Disk disk = content_of(output);
    SectorSum sum;
    if (!disk.empty()) sum.add(disk, 0);
    require(told.size == disk.size() && told.sum == sum);
    return disk;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::image_unacceptable);
    return std::nullopt;
  }
}

std::optional<Disk> decoded_at_once(std::span<const std::byte> bytes) {
  const UniqueFd file = memory_file();
  write_all(file.get(), bytes, "image");
  decode::ArrivingFile image(file.get());
  image.arrived(decode::ArrivingFile::kWhole);
  return decoded(image, 1);
}

// The pieces depend on the bytes alone.
std::optional<Disk> decoded_as_it_arrives(std::span<const std::byte> bytes) {
  const UniqueFd file = memory_file();
  decode::ArrivingFile image(file.get());
  auto result = std::async(std::launch::async, [&] { return decoded(image, 2); });
  std::minstd_rand dice(static_cast<unsigned>(bytes.size()) + std::to_integer<unsigned>(bytes.back()));
  std::size_t arrived = 0;
  while (arrived < bytes.size()) {
    const std::size_t piece = std::min<std::size_t>(bytes.size() - arrived, 1 + (dice() & 0xffffU >> dice() % 16));
    write_all(file.get(), bytes.subspan(arrived, piece), "image");
    arrived += piece;
    image.arrived(arrived);
    std::this_thread::yield();
  }
  image.arrived(decode::ArrivingFile::kWhole);
  return result.get();
}

std::uint64_t number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = at; i < at + 8; ++i) number = number << 8 | bytes[i];
  return number;
}

// What an L2 entry may be: a cluster, with a flag or without; nothing; compressed, anywhere in the file.
std::uint64_t table_entry(std::minstd_rand& dice, std::uint64_t clusters, std::uint32_t cluster_bits) {
  const std::uint64_t cluster = (dice() % (clusters + 2)) << cluster_bits;
  switch (dice() % 5) {
    case 0:
      return cluster | dice() % 2;
    case 1:
      return dice() % 3;
    case 2:
      return std::uint64_t{dice()} << 32 | dice();
    case 3:
      return std::uint64_t{1} << 62 | std::uint64_t{dice() % 4} << (62 - (cluster_bits - 8)) |
             (cluster + dice() % 1024);
    default:
      return std::uint64_t{1} << 63 | cluster;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// Half of the changes are of a number in what looks like a table, as bits that are turned rarely make another one that
// leads somewhere.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  std::minstd_rand dice(seed);
  const std::span bytes(data, size);
  if (size < 1024 || dice() % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::uint32_t cluster_bits = std::clamp<std::uint32_t>(data[23], 9, 21);
  std::size_t table = number_at(bytes, 40);
  if (dice() % 4 != 0 && table <= size - 8) table = number_at(bytes, table) & 0x00fffffffffffe00;
  if (table > size - 8) return LLVMFuzzerMutate(data, size, most);
  const std::size_t entries = std::min<std::size_t>((size - table) / 8, dice() % 2 == 0 ? 4 : 64);
  const std::size_t at = table + dice() % entries * 8;
  const std::uint64_t entry = table_entry(dice, size >> cluster_bits, cluster_bits);
  for (std::size_t i = 0; i < 8; ++i) data[at + i] = static_cast<std::uint8_t>(entry >> (8 * (7 - i)));
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kShortestFile || number_at(std::span(data, size), 24) > kMostVirtualSize) return -1;
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::optional<Disk> expected = fuzz::decode_sequentially(bytes);
  require(decoded_at_once(bytes) == expected);
  require(decoded_as_it_arrives(bytes) == expected);
  return 0;
}
