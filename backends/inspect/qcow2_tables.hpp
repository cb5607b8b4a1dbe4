#pragma once

#include <optional>
#include <string_view>

#include "backends/inspect/findings.hpp"
#include "backends/inspect/image_file.hpp"
#include "backends/inspect/qcow2_extensions.hpp"
#include "backends/inspect/qcow2_header.hpp"
#include "backends/inspect/qcow2_refcounts.hpp"
#include "backends/inspect/taken_blocks.hpp"

namespace basecache::inspect {

// The deep check of a qcow2 whose header is acceptable: every entry of the L1, L2 and refcount tables, and the bitmap
// directory, points at something aligned, inside the file, outside of the header and of the tables themselves, and at
// nothing that another entry points at; and every cluster that is used says so in its refcount. It finds cut-off images
// too: "qemu-img convert" reads clusters behind the end of the file as zeros and reports success.
class Qcow2Tables {
 public:
  Qcow2Tables(const Qcow2Header& header, const ImageFile& file);

  // Once.
  void check(const std::optional<Qcow2BitmapDirectory>& bitmaps, Findings& findings);

 private:
  // What an entry names; put into words only when it is refused, as there are millions.
  struct Part {
    std::string_view kind;
    std::uint64_t position;
  };

  void check_l1();
  void check_l2(std::uint64_t l1_position, std::uint64_t offset);
  void check_plain(std::uint64_t cluster, std::uint64_t entry);
  void check_compressed(std::uint64_t cluster, std::uint64_t entry);
  void check_subclusters(std::uint64_t cluster, std::uint64_t entry, std::uint64_t bitmap) const;
  void check_refcounts();
  void check_bitmaps(const Qcow2BitmapDirectory& directory);
  std::uint64_t check_bitmap(std::uint64_t bitmap, std::uint64_t at);

  void check_head();
  void take(const Part& part, ByteRange range);
  void require_user(const Part& part, ByteRange range);
  void take_compressed(std::uint64_t bytes);
  void require_place(const Part& part, ByteRange range) const;
  bool is_reserved(ByteRange range) const;
  std::uint64_t used_bytes(std::uint64_t cluster) const;

  const Qcow2Header& header_;
  const ImageFile& file_;
  Qcow2Refcounts refcounts_;
  TakenBlocks taken_;              // by clusters that nothing shares
  std::uint64_t compressed_room_;  // bytes; compressed clusters stand side by side in the others
};

}  // namespace basecache::inspect
