#include "backends/guest/page_io.hpp"

#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#include "agent/base/error.hpp"

namespace basecache::guest {
namespace {

thread_local PageIo* waiting = nullptr;  // for open()

constexpr char kName[] = "guest";

// No exception may leave for the library.
template <class Body>
errcode_t as_code(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    return error.code() == ErrorCode::no_space ? ENOSPC : EIO;
  } catch (...) {
    return ENOMEM;
  }
}

PageIo& page_io(io_channel channel) { return *static_cast<PageIo*>(channel->private_data); }

// A negative count is one of bytes.
std::size_t length_of(io_channel channel, int count) {
  const auto number = static_cast<std::int64_t>(count);
  return static_cast<std::size_t>(number < 0 ? -number : number * channel->block_size);
}

bool place_of(io_channel channel, unsigned long long block, std::uint64_t& offset) {
  const auto size = static_cast<std::uint64_t>(channel->block_size);
  offset = block * size;
  return block <= std::numeric_limits<std::uint64_t>::max() / size;
}

errcode_t close_channel(io_channel channel) {
  if (--channel->refcount > 0) return 0;
  ext2fs_free_mem(&channel->name);
  ext2fs_free_mem(&channel);
  return 0;
}

errcode_t set_block_size(io_channel channel, int size) {
  if (size <= 0) return EINVAL;
  channel->block_size = size;
  return 0;
}

errcode_t read_blocks(io_channel channel, unsigned long long block, int count, void* to) {
  std::uint64_t offset = 0;
  if (!place_of(channel, block, offset)) return EIO;
  return as_code([&] { page_io(channel).read(offset, {static_cast<std::byte*>(to), length_of(channel, count)}); });
}

errcode_t write_blocks(io_channel channel, unsigned long long block, int count, const void* from) {
  std::uint64_t offset = 0;
  if (!place_of(channel, block, offset)) return EIO;
  return as_code([&] {
    page_io(channel).write(offset, {static_cast<const std::byte*>(from), length_of(channel, count)});
  });
}

errcode_t read_blocks_32(io_channel channel, unsigned long block, int count, void* to) {
  return read_blocks(channel, block, count, to);
}

errcode_t write_blocks_32(io_channel channel, unsigned long block, int count, const void* from) {
  return write_blocks(channel, block, count, from);
}

errcode_t flush(io_channel) { return 0; }

errcode_t open_channel(const char*, int, io_channel* opened) {
  io_channel channel = nullptr;
  if (const errcode_t failed = ext2fs_get_memzero(sizeof *channel, &channel); failed != 0) return failed;
  if (const errcode_t failed = ext2fs_get_memzero(sizeof kName, &channel->name); failed != 0) {
    ext2fs_free_mem(&channel);
    return failed;
  }
  std::memcpy(channel->name, kName, sizeof kName);
  channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
  channel->manager = PageIo::callbacks();
  channel->block_size = 1024;
  channel->refcount = 1;
  channel->private_data = waiting;
  *opened = channel;
  return 0;
}

struct_io_manager make_callbacks() {
  struct_io_manager all{};
  all.magic = EXT2_ET_MAGIC_IO_MANAGER;
  all.name = "pages in memory";
  all.open = open_channel;
  all.close = close_channel;
  all.set_blksize = set_block_size;
  all.read_blk = read_blocks_32;
  all.write_blk = write_blocks_32;
  all.flush = flush;
  all.read_blk64 = read_blocks;
  all.write_blk64 = write_blocks;
  return all;
}

}  // namespace

PageIo::PageIo(ChangedPages& pages, const Partition& partition) : pages_(pages), partition_(partition) {
  waiting = this;
}

PageIo::~PageIo() { waiting = nullptr; }

io_manager PageIo::callbacks() {
  static struct_io_manager all = make_callbacks();
  return &all;
}

std::uint64_t PageIo::place(std::uint64_t offset, std::size_t length) const {
  if (offset > partition_.size || length > partition_.size - offset) {
    throw Error(ErrorCode::image_unacceptable, "the guest's file system reaches beyond its partition");
  }
  return partition_.offset + offset;
}

void PageIo::read(std::uint64_t offset, std::span<std::byte> out) const { pages_.read(place(offset, out.size()), out); }

void PageIo::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  pages_.write(place(offset, bytes.size()), bytes);
}

}  // namespace basecache::guest
