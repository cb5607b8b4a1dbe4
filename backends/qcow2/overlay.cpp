#include "backends/qcow2/overlay.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"

namespace basecache::qcow2 {
namespace {

constexpr std::uint64_t kHeaderLength = 112;  // of version 3 with the compression type, padded
constexpr std::uint32_t kBackingFormatExtension = 0xe2792aca;
constexpr std::uint32_t kRefcountOrder = 4;       // 16 bits
constexpr std::uint64_t kMostL1Bytes = 32 << 20;  // QEMU's QCOW_MAX_L1_SIZE
constexpr std::uint64_t kLongestBackingName = 1023;

std::uint64_t divided_up(std::uint64_t number, std::uint64_t by) { return number / by + (number % by != 0 ? 1 : 0); }

class Bytestream {
 public:
  Bytestream& number(std::uint64_t value, std::size_t width) {
    for (std::size_t i = width; i > 0; --i) bytes_.push_back(static_cast<std::byte>(value >> (8 * (i - 1))));
    return *this;
  }
  Bytestream& text(std::string_view value) {
    for (const char letter : value) bytes_.push_back(static_cast<std::byte>(letter));
    return *this;
  }
  Bytestream& pad(std::size_t to) {
    bytes_.resize(divided_up(bytes_.size(), to) * to);
    return *this;
  }
  std::uint64_t size() const { return bytes_.size(); }
  std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// In clusters, one part behind the other.
struct Layout {
  std::uint64_t cluster = 0;  // bytes
  std::uint64_t l1_entries = 0;
  std::uint64_t l1_clusters = 0;
  std::uint64_t refcount_blocks = 0;
  std::uint64_t refcount_table_clusters = 0;
  std::uint64_t l2_tables = 0;
  std::uint64_t own_clusters = 0;

  std::uint64_t entries_per_table() const { return cluster / 8; }
  std::uint64_t blocks_at() const { return 1 + refcount_table_clusters; }
  std::uint64_t l1_at() const { return blocks_at() + refcount_blocks; }
  std::uint64_t l2_at() const { return l1_at() + l1_clusters; }
  std::uint64_t own_at() const { return l2_at() + l2_tables; }
  std::uint64_t clusters() const { return own_at() + own_clusters; }
};

std::uint64_t tables_for(const std::vector<std::uint64_t>& clusters, std::uint64_t entries) {
  std::uint64_t tables = 0;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    if (i == 0 || clusters[i] / entries != clusters[i - 1] / entries) ++tables;
  }
  return tables;
}

Layout layout_of(const Overlay& overlay) {
  Layout layout{.cluster = std::uint64_t{1} << overlay.cluster_bits};
  const std::uint64_t guest_bytes_per_table = layout.cluster / 8 * layout.cluster;
  layout.l1_entries = divided_up(overlay.virtual_size.count, guest_bytes_per_table);
  if (layout.l1_entries > kMostL1Bytes / 8) {
    throw Error(ErrorCode::invalid_request, fmt::format("qcow2 with clusters of {} bytes has no disks of {}",
                                                        layout.cluster, to_text(overlay.virtual_size)))
        .set_hint("use larger clusters or a smaller disk");
  }
  layout.l1_clusters = divided_up(layout.l1_entries * 8, layout.cluster);
  layout.l2_tables = tables_for(overlay.own_clusters, layout.entries_per_table());
  layout.own_clusters = overlay.own_clusters.size();
  const std::uint64_t counts_per_block = layout.cluster * 8 >> kRefcountOrder;
  // The blocks count themselves and their table too.
  for (std::uint64_t before = ~std::uint64_t{0}; before != layout.clusters();) {
    before = layout.clusters();
    layout.refcount_blocks = divided_up(before, counts_per_block);
    layout.refcount_table_clusters = divided_up(layout.refcount_blocks * 8, layout.cluster);
  }
  return layout;
}

std::vector<std::byte> header_of(const Overlay& overlay, const Layout& layout) {
  Bytestream extensions;
  extensions.number(kBackingFormatExtension, 4).number(overlay.backing_format.size(), 4);
  extensions.text(overlay.backing_format).pad(8).number(0, 8);
  const std::uint64_t name_at = kHeaderLength + extensions.size();
  if (overlay.backing_file.size() > kLongestBackingName || name_at + overlay.backing_file.size() > layout.cluster) {
    throw Error(ErrorCode::invalid_request, "the name of the base file is too long for a qcow2 header");
  }
  Bytestream header;
  header.text("QFI\xfb").number(3, 4).number(name_at, 8).number(overlay.backing_file.size(), 4);
  header.number(overlay.cluster_bits, 4).number(overlay.virtual_size.count, 8).number(0, 4);  // not encrypted
  header.number(layout.l1_entries, 4).number(layout.l1_at() * layout.cluster, 8);
  header.number(layout.cluster, 8).number(layout.refcount_table_clusters, 4);  // the refcount table is cluster 1
  header.number(0, 4).number(0, 8);                                            // no snapshots
  header.number(0, 8).number(0, 8).number(0, 8);                               // no feature bits
  header.number(kRefcountOrder, 4).number(kHeaderLength, 4).number(0, 8);      // compression type zlib
  header.text([&] {
    const std::vector<std::byte> bytes = std::move(extensions).take();
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }());
  header.text(overlay.backing_file);
  return std::move(header).take();
}

std::vector<std::byte> refcount_table(const Layout& layout) {
  Bytestream table;
  for (std::uint64_t i = 0; i < layout.refcount_blocks; ++i) {
    table.number((layout.blocks_at() + i) * layout.cluster, 8);
  }
  return std::move(table).take();
}

// One behind the other, as the blocks are.
std::vector<std::byte> refcounts(const Layout& layout) {
  Bytestream counts;
  for (std::uint64_t i = 0; i < layout.clusters(); ++i) counts.number(1, 2);
  return std::move(counts).take();
}

// An entry of an L1 or L2 table: where it leads, and that nobody else's does (QCOW_OFLAG_COPIED).
std::uint64_t own_entry(std::uint64_t cluster_number, const Layout& layout) {
  return std::uint64_t{1} << 63 | cluster_number * layout.cluster;
}

// The tables of the own clusters: as much of the L1 table as leads to one, then the L2 tables one behind the other.
void add_tables(const Overlay& overlay, const Layout& layout, OverlayFile& file) {
  const std::uint64_t entries = layout.entries_per_table();
  std::vector<std::uint64_t> l1;
  std::vector<std::uint64_t> l2;
  for (std::size_t i = 0; i < overlay.own_clusters.size(); ++i) {
    const std::uint64_t table = overlay.own_clusters[i] / entries;
    if (l1.size() <= table) {
      l1.resize(table);
      l1.push_back(own_entry(layout.l2_at() + l2.size() / entries, layout));
      l2.resize(l2.size() + entries);
    }
    l2[l2.size() - entries + overlay.own_clusters[i] % entries] = own_entry(layout.own_at() + i, layout);
  }
  for (const auto& [at, table] : {std::pair(layout.l1_at(), &l1), std::pair(layout.l2_at(), &l2)}) {
    Bytestream bytes;
    for (const std::uint64_t entry : *table) bytes.number(entry, 8);
    file.pieces.push_back({at * layout.cluster, std::move(bytes).take()});
  }
}

}  // namespace

OverlayFile lay_out(const Overlay& overlay) {
  const Layout layout = layout_of(overlay);
  OverlayFile file;
  file.pieces.push_back({0, header_of(overlay, layout)});
  file.pieces.push_back({layout.cluster, refcount_table(layout)});
  file.pieces.push_back({layout.blocks_at() * layout.cluster, refcounts(layout)});
  file.length = layout.l1_at() * layout.cluster + layout.l1_entries * 8;
  file.own_clusters_at = layout.own_at() * layout.cluster;
  if (overlay.own_clusters.empty()) return file;
  add_tables(overlay, layout, file);
  file.length = layout.clusters() * layout.cluster;
  return file;
}

std::uint64_t write_overlay(int fd, const Overlay& overlay) {
  const OverlayFile file = lay_out(overlay);
  for (const OverlayFile::Piece& piece : file.pieces) write_all_at(fd, piece.bytes, piece.offset, "a qcow2 disk");
  if (::ftruncate(fd, static_cast<off_t>(file.length)) == 0) return file.own_clusters_at;
  const int error = errno;
  throw Error::from_errno(error, "set the length of a qcow2 disk");
}

}  // namespace basecache::qcow2
