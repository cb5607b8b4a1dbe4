#include "backends/decode/inflater.hpp"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

#include <new>

namespace basecache::decode {
namespace {

// A raw deflate stream. QEMU (block/qcow2-threads.c) is content when the cluster is full, even where the stream goes on
// or breaks off behind it; libdeflate, which is twice as fast, isn't. So what it refuses is shown to zlib. It takes
// codes that deflate reserves (lengths 286 and 287, distances 30 and 31, tables that name them), which zlib refuses and
// no compressor makes: of such an image we make a disk where QEMU makes none.
class DeflateInflater final : public Inflater {
 public:
  bool inflate(std::span<const std::byte> compressed, std::span<std::byte> cluster) override {
    std::size_t filled = 0;
    const libdeflate_result result = ::libdeflate_deflate_decompress_ex(
        fast_.get(), compressed.data(), compressed.size(), cluster.data(), cluster.size(), nullptr, &filled);
    if (result == LIBDEFLATE_SUCCESS) return filled == cluster.size();
    return fills_by_zlib(compressed, cluster);
  }

 private:
  struct Free {
    void operator()(libdeflate_decompressor* decompressor) const { ::libdeflate_free_decompressor(decompressor); }
  };

  static libdeflate_decompressor* allocated() {
    libdeflate_decompressor* made = ::libdeflate_alloc_decompressor();
    return made != nullptr ? made : throw std::bad_alloc();
  }

  static bool fills_by_zlib(std::span<const std::byte> compressed, std::span<std::byte> cluster) {
    // zlib's older interface takes what it reads as not const.
    z_stream stream{};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    stream.next_out = reinterpret_cast<Bytef*>(cluster.data());
    stream.avail_out = static_cast<uInt>(cluster.size());
    constexpr int kRawWindow = -12;  // QEMU's
    if (::inflateInit2(&stream, kRawWindow) != Z_OK) throw std::bad_alloc();
    const int result = ::inflate(&stream, Z_FINISH);
    ::inflateEnd(&stream);
    return (result == Z_STREAM_END || result == Z_BUF_ERROR) && stream.avail_out == 0;
  }

  std::unique_ptr<libdeflate_decompressor, Free> fast_{allocated()};
};

class ZstdInflater final : public Inflater {
 public:
  // Frames, one after the other, until the cluster is full, where the last of them must end.
  bool inflate(std::span<const std::byte> compressed, std::span<std::byte> cluster) override {
    ::ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    ZSTD_inBuffer input{compressed.data(), compressed.size(), 0};
    ZSTD_outBuffer output{cluster.data(), cluster.size(), 0};
    std::size_t left_in_frame = 0;
    while (output.pos < output.size) {
      const std::size_t read = input.pos;
      const std::size_t written = output.pos;
      left_in_frame = ::ZSTD_decompressStream(context_.get(), &output, &input);
      if (::ZSTD_isError(left_in_frame) != 0) return false;
      if (input.pos == read && output.pos == written) return false;
    }
    return left_in_frame == 0;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
  };

  static ZSTD_DCtx* allocated() {
    ZSTD_DCtx* made = ::ZSTD_createDCtx();
    return made != nullptr ? made : throw std::bad_alloc();
  }

  std::unique_ptr<ZSTD_DCtx, Free> context_{allocated()};
};

}  // namespace

std::unique_ptr<Inflater> make_inflater(Compression compression) {
  if (compression == Compression::zstd) return std::make_unique<ZstdInflater>();
  return std::make_unique<DeflateInflater>();
}

}  // namespace basecache::decode
