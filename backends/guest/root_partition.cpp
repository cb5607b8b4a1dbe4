#include "backends/guest/root_partition.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/injection/injection.hpp"
#include "backends/guest/ext_tree.hpp"
#include "backends/guest/unsupported_file_system.hpp"

namespace basecache::guest {
namespace {

Partition whole(const DiskView& disk) { return {.number = 0, .offset = 0, .size = disk.size()}; }

bool is_root(const DiskView& disk, const Partition& partition) {
  ChangedPages untouched(disk, 0);
  ExtFileSystem file_system(untouched, partition);
  return ExtTree(file_system).has("/etc");
}

Partition inspected(const DiskView& disk) {
  std::vector<Partition> candidates = read_partitions(disk);
  candidates.insert(candidates.begin(), whole(disk));
  std::optional<Error> broken;
  for (const Partition& candidate : candidates) {
    try {
      if (is_root(disk, candidate)) return candidate;
    } catch (const UnsupportedExt&) {
      throw;  // it may be the root: another one must not be taken for it
    } catch (const UnsupportedFileSystem&) {
      continue;  // there may be another one
    } catch (const Error& error) {
      broken = error;
    }
  }
  if (broken) throw Error(*broken);
  throw UnsupportedFileSystem("it has no sound ext2, ext3 or ext4 file system with an /etc");
}

}  // namespace

Partition root_partition(const DiskView& disk, int number) {
  if (number == injection::kWholeDisk) return whole(disk);
  if (number == injection::kInspect) return inspected(disk);
  const std::vector<Partition> all = read_partitions(disk);
  const auto found = std::ranges::find(all, static_cast<unsigned>(number), &Partition::number);
  if (found != all.end()) return *found;
  throw Error(ErrorCode::image_unacceptable, "the disk has no partition " + std::to_string(number));
}

}  // namespace basecache::guest
