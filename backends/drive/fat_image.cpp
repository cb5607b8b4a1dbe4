#include "backends/drive/fat_image.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/little_endian.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/model/drive_format.hpp"
#include "backends/drive/fat_format.hpp"

namespace basecache::drive {
namespace {

// What mkfs.vfat chooses for 64 MiB (dosfstools 4.2), in sectors where nothing else is said.
constexpr std::uint16_t kSectorBytes = 512;
constexpr std::uint8_t kClusterSectors = 4;
constexpr std::uint16_t kReserved = 4;
constexpr std::uint8_t kTables = 2;
constexpr std::uint16_t kTableSectors = 128;
constexpr std::uint16_t kRootEntries = 512;
constexpr std::uint32_t kSectors = model::kVfatDriveSize.count / kSectorBytes;
constexpr std::uint32_t kRootSectors = kRootEntries * fat::kEntrySize / kSectorBytes;
constexpr std::uint32_t kFirstTable = kReserved * kSectorBytes;
constexpr std::uint32_t kTableBytes = kTableSectors * kSectorBytes;
constexpr std::uint32_t kRoot = kFirstTable + kTables * kTableBytes;
constexpr std::uint32_t kClusters = kRoot + kRootSectors * kSectorBytes;
constexpr std::size_t kClusterBytes = std::size_t{kClusterSectors} * kSectorBytes;
constexpr std::size_t kClusterCount = (model::kVfatDriveSize.count - kClusters) / kClusterBytes;

constexpr std::uint8_t kFixedDisk = 0xf8;
constexpr std::uint16_t kEndOfChain = 0xffff;
// The volume's id says nothing about when and where it was made, as the times don't.
constexpr std::uint32_t kVolumeId = 0x19800101;

void put_text(std::span<std::byte> bytes, std::size_t offset, std::string_view text, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) {
    bytes[offset + i] = static_cast<std::byte>(i < text.size() ? text[i] : ' ');
  }
}

std::vector<std::byte> boot_sector(std::string_view label) {
  std::vector<std::byte> bytes(kSectorBytes);
  const std::span<std::byte> all(bytes);
  put_text(all, 0, "\xeb\x3c\x90", 3);  // over what follows, to code: a loop without end
  put_text(all, 3, "basecach", 8);
  put_number(all, 11, kSectorBytes);
  put_number(all, 13, kClusterSectors);
  put_number(all, 14, kReserved);
  put_number(all, 16, kTables);
  put_number(all, 17, kRootEntries);
  put_number(all, 21, kFixedDisk);
  put_number(all, 22, kTableSectors);
  put_number(all, 24, std::uint16_t{32});  // sectors a track and heads, for who asks
  put_number(all, 26, std::uint16_t{8});
  put_number(all, 32, kSectors);
  put_number(all, 36, std::uint8_t{0x80});
  put_number(all, 38, std::uint8_t{0x29});  // what follows is there
  put_number(all, 39, kVolumeId);
  put_text(all, 43, label, 11);
  put_text(all, 54, "FAT16", 8);
  put_text(all, 62, "\xeb\xfe", 2);
  put_number(all, 510, std::uint16_t{0xaa55});
  return bytes;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

Error does_not_fit(const std::string& what) {
  return Error(ErrorCode::invalid_request, what + " a config drive of format vfat, which is of 64 MiB")
      .set_hint("leave out files, or make them smaller");
}

}  // namespace

FatImage::FatImage(const DriveDirectory& root, std::string_view label)
    : root_(label), next_cluster_{0xff00 | kFixedDisk, kEndOfChain} {
  fill(root_, root, 0);
  if (root_.bytes().size() > std::size_t{kRootEntries} * fat::kEntrySize) {
    throw does_not_fit("there are more names than fit into the first directory of");
  }
}

void FatImage::fill(FatDirectory& directory, const DriveDirectory& contents, std::uint16_t own_cluster) {
  for (const auto& [name, below] : contents.directories) {
    const std::size_t entry = directory.add(name, true);
    directory.point(entry, add_directory(below, own_cluster), 0);
  }
  for (const auto& [name, text] : contents.files) {
    const std::size_t entry = directory.add(name, false);
    const std::uint16_t first = place(bytes_of(text));
    directory.point(entry, first, static_cast<std::uint32_t>(text.size()));
  }
}

// Its names say how large it is, and so where what is behind it begins.
std::uint16_t FatImage::add_directory(const DriveDirectory& contents, std::uint16_t parent_cluster) {
  FatDirectory measured(0, parent_cluster);
  for (const auto& [name, below] : contents.directories) measured.add(name, true);
  for (const auto& [name, text] : contents.files) measured.add(name, false);
  const std::uint16_t own_cluster = allocate(measured.bytes().size());
  FatDirectory directory(own_cluster, parent_cluster);
  fill(directory, contents, own_cluster);
  const auto& kept = directories_.emplace_back(directory.bytes().begin(), directory.bytes().end());
  pieces_.push_back({own_cluster, kept});
  return own_cluster;
}

std::uint16_t FatImage::place(std::span<const std::byte> bytes) {
  if (bytes.empty()) return 0;
  const std::uint16_t first = allocate(bytes.size());
  pieces_.push_back({first, bytes});
  return first;
}

// One behind the other, so that a file is in one piece.
std::uint16_t FatImage::allocate(std::size_t size) {
  const std::size_t count = (size + kClusterBytes - 1) / kClusterBytes;
  const std::size_t first = next_cluster_.size();
  if (count > kClusterCount + fat::kFirstCluster - first) throw does_not_fit("the files don't fit on");
  for (std::size_t i = 1; i < count; ++i) next_cluster_.push_back(static_cast<std::uint16_t>(first + i));
  next_cluster_.push_back(kEndOfChain);
  return static_cast<std::uint16_t>(first);
}

void FatImage::write_to(int fd, const Path& path) const {
  if (::ftruncate(fd, static_cast<off_t>(model::kVfatDriveSize.count)) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "set the size of " + quote(path.native()));
  }
  std::vector<std::byte> table(next_cluster_.size() * sizeof(std::uint16_t));
  for (std::size_t i = 0; i < next_cluster_.size(); ++i) put_number(table, i * sizeof(std::uint16_t), next_cluster_[i]);
  const auto root = root_.bytes();
  std::string label;
  for (const std::byte b : root.first(std::tuple_size_v<FatAlias>)) label += static_cast<char>(b);
  write_all_at(fd, boot_sector(label), 0, path);
  for (std::uint32_t i = 0; i < kTables; ++i) write_all_at(fd, table, kFirstTable + i * kTableBytes, path);
  write_all_at(fd, root, kRoot, path);
  for (const Piece& piece : pieces_) {
    const std::uint64_t offset =
        kClusters + static_cast<std::uint64_t>(piece.cluster - fat::kFirstCluster) * kClusterBytes;
    write_all_at(fd, piece.bytes, offset, path);
  }
}

}  // namespace basecache::drive
