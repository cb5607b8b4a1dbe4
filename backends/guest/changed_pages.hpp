#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "backends/guest/disk_view.hpp"

namespace basecache::guest {

// A disk that is read, and changed in memory only. What is written as it was is no change.
class ChangedPages {
 public:
  static constexpr std::size_t kPage = 4096;
  using Pages =
      std::map<std::uint64_t, std::array<std::byte, kPage>>;  // by their number; the disk's last may reach over

  // `disk` must outlive this. `most`: pages that may be changed.
  ChangedPages(const DiskView& disk, std::size_t most) : disk_(disk), most_(most) {}

  std::uint64_t size() const { return disk_.size(); }
  // Errors as DiskView::read.
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  // Error(no_space) when too many pages would be changed.
  void write(std::uint64_t offset, std::span<const std::byte> bytes);

  const Pages& pages() const { return pages_; }
  // To what pages() was before.
  void restore(Pages pages) { pages_ = std::move(pages); }

 private:
  void read_page(std::uint64_t number, std::span<std::byte, kPage> out) const;

  const DiskView& disk_;
  std::size_t most_;
  Pages pages_;
};

}  // namespace basecache::guest
