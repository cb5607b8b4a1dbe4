#include "backends/guest/ext_file_system.hpp"

#include <et/com_err.h>
#include <fmt/format.h>

#include <ctime>
#include <string>

#include "agent/base/error.hpp"
#include "backends/guest/unsupported_file_system.hpp"

namespace basecache::guest {
namespace {

// What libext2fs keeps right by itself, or doesn't touch.
constexpr std::uint32_t kCompatible =
    EXT2_FEATURE_COMPAT_DIR_PREALLOC | EXT3_FEATURE_COMPAT_HAS_JOURNAL | EXT2_FEATURE_COMPAT_EXT_ATTR |
    EXT2_FEATURE_COMPAT_RESIZE_INODE | EXT2_FEATURE_COMPAT_DIR_INDEX | EXT4_FEATURE_COMPAT_SPARSE_SUPER2 |
    EXT4_FEATURE_COMPAT_FAST_COMMIT | EXT4_FEATURE_COMPAT_STABLE_INODES | EXT4_FEATURE_COMPAT_ORPHAN_FILE;
constexpr std::uint32_t kIncompatible =
    EXT2_FEATURE_INCOMPAT_FILETYPE | EXT2_FEATURE_INCOMPAT_META_BG | EXT3_FEATURE_INCOMPAT_EXTENTS |
    EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_FLEX_BG | EXT4_FEATURE_INCOMPAT_EA_INODE |
    EXT4_FEATURE_INCOMPAT_CSUM_SEED | EXT4_FEATURE_INCOMPAT_LARGEDIR | EXT4_FEATURE_INCOMPAT_INLINE_DATA |
    EXT4_FEATURE_INCOMPAT_ENCRYPT | EXT4_FEATURE_INCOMPAT_CASEFOLD;
constexpr std::uint32_t kReadOnlyCompatible = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
                                              EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_GDT_CSUM |
                                              EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |
                                              EXT4_FEATURE_RO_COMPAT_METADATA_CSUM | EXT4_FEATURE_RO_COMPAT_VERITY;

std::string words_of(errcode_t code) {
  [[maybe_unused]] static const bool is_initialized = (initialize_ext2_error_table(), true);
  return ::error_message(code);
}

bool is_unsupported(errcode_t code) { return code == EXT2_ET_UNSUPP_FEATURE || code == EXT2_ET_RO_UNSUPP_FEATURE; }

void require_features(const ext2_super_block& super) {
  if ((super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) != 0) {
    throw UnsupportedExt("its journal has to be replayed: it wasn't unmounted");
  }
  if ((super.s_feature_compat & ~kCompatible) != 0 || (super.s_feature_incompat & ~kIncompatible) != 0 ||
      (super.s_feature_ro_compat & ~kReadOnlyCompatible) != 0) {
    throw UnsupportedExt(fmt::format("it has features that aren't changed here ({:#x} {:#x} {:#x})",
                                     super.s_feature_compat, super.s_feature_incompat, super.s_feature_ro_compat));
  }
}

void require_clean(const ext2_super_block& super) {
  if ((super.s_state & EXT2_ERROR_FS) != 0) throw UnsupportedExt("it is marked as having errors");
  if ((super.s_state & EXT2_VALID_FS) == 0) throw UnsupportedExt("it wasn't unmounted");
  if (super.s_last_orphan != 0) throw UnsupportedExt("it has files that were deleted while they were open");
}

// What Linux wouldn't mount and libext2fs opens.
void require_sane(ext2_filsys handle, const Partition& partition) {
  const ext2_super_block& super = *handle->super;
  const bool is_larger = ext2fs_blocks_count(handle->super) > partition.size / handle->blocksize;
  if (!is_larger && super.s_first_data_block == (handle->blocksize == 1024 ? 1U : 0U)) return;
  throw Error(ErrorCode::image_unacceptable, is_larger ? "the guest's file system is larger than where it stands"
                                                       : "the guest's file system begins where none does");
}

// The superblock of 1 KiB stands at 1024.
constexpr std::uint64_t kLeastSize = 2048;

}  // namespace

void require(errcode_t code, std::string_view doing) {
  if (code == 0) return;
  throw Error(ErrorCode::image_unacceptable, fmt::format("cannot {} in the guest: {}", doing, words_of(code)));
}

ExtFileSystem::ExtFileSystem(ChangedPages& pages, const Partition& partition) : io_(pages, partition) {
  if (partition.size < kLeastSize) throw UnsupportedFileSystem("it is too small for one");
  const errcode_t failed =
      ext2fs_open("guest", EXT2_FLAG_RW | EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP, 0, 0, PageIo::callbacks(), &handle_);
  if (failed == EXT2_ET_BAD_MAGIC) throw UnsupportedFileSystem(words_of(failed));
  if (is_unsupported(failed)) throw UnsupportedExt(words_of(failed));
  require(failed, "open the file system");
  try {
    require_features(*handle_->super);
    require_clean(*handle_->super);
    require_sane(handle_, partition);
    handle_->flags |= EXT2_FLAG_MASTER_SB_ONLY;  // as Linux: copies are for what changes hardly ever
    handle_->default_bitmap_type = EXT2FS_BMAP64_RBTREE;
    require(ext2fs_read_bitmaps(handle_), "read what is free");
  } catch (...) {
    ext2fs_free(handle_);
    throw;
  }
}

// Without a last write.
ExtFileSystem::~ExtFileSystem() {
  if (handle_ != nullptr) ext2fs_free(handle_);
}

void ExtFileSystem::commit() {
  handle_->super->s_wtime = static_cast<std::uint32_t>(std::time(nullptr));
  require(ext2fs_close_free(&handle_), "end the changes");
}

}  // namespace basecache::guest
