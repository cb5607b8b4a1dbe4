#include "backends/guest/root_disk.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/guest/disk_view.hpp"
#include "backends/qcow2/header.hpp"
#include "backends/qcow2/overlay.hpp"

namespace basecache::guest {
namespace {

using provision::NewRootDisk;

bool is_device(const NewRootDisk& disk) { return disk.path.native().starts_with("/dev/"); }

// LVM's names of devices are links; files are none.
Path path_of(const NewRootDisk& disk) {
  return is_device(disk) ? Path(boost::filesystem::canonical(disk.path)) : disk.path;
}

std::vector<std::uint64_t> clusters_of(const DiskChanges& changes, std::uint64_t cluster) {
  std::vector<std::uint64_t> clusters;
  for (const DiskChange& change : changes) {
    const std::uint64_t last = (change.offset + change.bytes.size() - 1) / cluster;
    for (std::uint64_t i = change.offset / cluster; i <= last; ++i) {
      if (clusters.empty() || clusters.back() < i) clusters.push_back(i);
    }
  }
  return clusters;
}

// The part of the changes that is on what stands at `offset`. `first`: the first of them that may be, which goes on
// with the offsets.
void overlay_changes(const DiskChanges& changes, std::size_t& first, std::uint64_t offset, std::span<std::byte> bytes) {
  while (first < changes.size() && changes[first].offset + changes[first].bytes.size() <= offset) ++first;
  for (std::size_t i = first; i < changes.size() && changes[i].offset < offset + bytes.size(); ++i) {
    const DiskChange& change = changes[i];
    const std::uint64_t begin = std::max(change.offset, offset);
    const std::uint64_t end = std::min(change.offset + change.bytes.size(), offset + bytes.size());
    const auto part = std::span(change.bytes).subspan(begin - change.offset, end - begin);
    std::ranges::copy(part, bytes.subspan(begin - offset).begin());
  }
}

void write_overlay(const NewRootDisk& disk, const DiskChanges& changes, const OpContext& op) {
  const qcow2::Header header = qcow2::Header::read(disk.path);
  const std::uint64_t cluster = std::uint64_t{1} << header.cluster_bits;
  const std::vector<std::uint64_t> clusters = clusters_of(changes, cluster);
  const UniqueFd view = open_view(disk);
  const UniqueFd file = open_file(disk.path, O_WRONLY | O_NOFOLLOW);
  const std::uint64_t first_at = qcow2::write_overlay(file.get(), {.backing_file = header.backing_file.value_or(""),
                                                                   .backing_format = header.backing_format.value_or(""),
                                                                   .virtual_size = header.virtual_size,
                                                                   .cluster_bits = header.cluster_bits,
                                                                   .own_clusters = clusters});
  // The last one may reach beyond the disk.
  const DiskView base(view.get(), (header.virtual_size.count + cluster - 1) / cluster * cluster);
  std::vector<std::byte> bytes(static_cast<std::size_t>(cluster));
  std::size_t first_change = 0;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    op.check();
    base.read(clusters[i] * cluster, bytes);
    overlay_changes(changes, first_change, clusters[i] * cluster, bytes);
    write_all_at(file.get(), bytes, first_at + i * cluster, disk.path);
  }
}

}  // namespace

bool is_plain(const NewRootDisk& disk) {
  if (disk.format == model::DiskFormat::raw) return true;
  return disk.format == model::DiskFormat::qcow2 && disk.base.format() == model::DiskFormat::raw;
}

UniqueFd open_view(const NewRootDisk& disk) {
  const bool is_raw = disk.format == model::DiskFormat::raw;
  return open_file(is_raw ? path_of(disk) : disk.base.path(), O_RDONLY | O_NOFOLLOW);
}

void write_changes(const NewRootDisk& disk, const DiskChanges& changes, const OpContext& op) {
  if (changes.empty()) return;
  if (disk.format != model::DiskFormat::raw) return write_overlay(disk, changes, op);
  const Path path = path_of(disk);
  const UniqueFd file = open_file(path, O_WRONLY | O_NOFOLLOW);
  for (const DiskChange& change : changes) {
    op.check();
    write_all_at(file.get(), change.bytes, change.offset, path);
  }
  // A thin or sparse volume may have no room for what its device took; nobody else asks.
  if (is_device(disk)) sync_file(file.get(), path);
}

}  // namespace basecache::guest
