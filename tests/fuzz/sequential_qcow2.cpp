#include "tests/fuzz/sequential_qcow2.hpp"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>

namespace basecache::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

struct Refused {};

void require(bool holds) {
  if (!holds) throw Refused{};
}

class Qcow2File {
 public:
  explicit Qcow2File(std::span<const std::byte> file) : file_(file) {
    require(number(0, 4) == 0x514649fb && (version() == 2 || version() == 3));
    require(number(8, 8) == 0 && number(32, 4) == 0);  // backing file, encryption
    require(cluster_bits() >= 9 && cluster_bits() <= 21);
    require((incompatible() & ~std::uint64_t{0x18}) == 0 && number(104, 1) * has_compression_type() <= 1);
    require(!has_subclusters() || cluster_bits() >= 14);
    require(l1_offset() % cluster() == 0 && l1_offset() >> 56 == 0);
    require(number(36, 4) <= (32 << 20) / 8 && number(36, 4) >= tables_needed());
  }

  Bytes disk() const {
    Bytes disk(static_cast<std::size_t>(size()));
    for (std::uint64_t at = 0; at < size(); at += cluster()) {
      const Bytes content = guest_cluster(at);
      std::copy_n(content.begin(), std::min(cluster(), size() - at), disk.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return disk;
  }

 private:
  std::uint64_t version() const { return number(4, 4); }
  std::uint64_t cluster_bits() const { return number(20, 4); }
  std::uint64_t cluster() const { return std::uint64_t{1} << cluster_bits(); }
  std::uint64_t size() const { return number(24, 8); }
  std::uint64_t l1_offset() const { return number(40, 8); }
  std::uint64_t incompatible() const { return version() == 3 ? number(72, 8) : 0; }
  std::uint64_t has_compression_type() const { return incompatible() >> 3 & 1; }
  bool has_subclusters() const { return (incompatible() & 0x10) != 0; }
  std::uint64_t entry_width() const { return has_subclusters() ? 16 : 8; }
  std::uint64_t covered_by_table() const { return cluster() / entry_width() * cluster(); }
  std::uint64_t tables_needed() const { return size() / covered_by_table() + (size() % covered_by_table() != 0); }

  // Behind its end the file has zeros.
  std::uint64_t number(std::uint64_t at, std::uint64_t width) const {
    std::uint64_t value = 0;
    for (std::uint64_t i = at; i < at + width; ++i) {
      value = value << 8 | (i < file_.size() ? std::to_integer<std::uint64_t>(file_[i]) : 0);
    }
    return value;
  }

  Bytes piece(std::uint64_t at, std::uint64_t length) const {
    Bytes bytes(length);
    if (at < file_.size()) std::ranges::copy(file_.subspan(at, std::min(length, file_.size() - at)), bytes.begin());
    return bytes;
  }

  Bytes guest_cluster(std::uint64_t guest) const {
    const std::uint64_t l2 = number(l1_offset() + guest / covered_by_table() * 8, 8) & 0x00fffffffffffe00;
    require(l2 % cluster() == 0);
    if (l2 == 0) return Bytes(cluster());
    const std::uint64_t entry_at = l2 + guest % covered_by_table() / cluster() * entry_width();
    const std::uint64_t entry = number(entry_at, 8);
    if ((entry >> 62 & 1) != 0) return inflated(entry);
    const std::uint64_t host = entry & 0x00fffffffffffe00;
    require(host % cluster() == 0);
    if (has_subclusters()) return subclusters(host, number(entry_at + 8, 8));
    const bool zeros = version() == 3 && (entry & 1) != 0;
    return host == 0 || zeros ? Bytes(cluster()) : piece(host, cluster());
  }

  Bytes subclusters(std::uint64_t host, std::uint64_t bitmap) const {
    Bytes content(cluster());
    const std::uint64_t length = cluster() / 32;
    for (std::uint64_t i = 0; i < 32; ++i) {
      const bool allocated = (bitmap >> i & 1) != 0;
      const bool zero = (bitmap >> (32 + i) & 1) != 0;
      require(!allocated || (!zero && host != 0));
      if (allocated)
        std::ranges::copy(piece(host + i * length, length), content.begin() + static_cast<std::ptrdiff_t>(i * length));
    }
    return content;
  }

  Bytes inflated(std::uint64_t entry) const {
    const std::uint64_t x = 62 - (cluster_bits() - 8);
    const std::uint64_t host = entry & ((std::uint64_t{1} << x) - 1);
    const std::uint64_t sectors = (entry & 0x3fffffffffffffff) >> x;
    const Bytes compressed = piece(host, (sectors + 1) * 512 - host % 512);
    Bytes content(cluster());
    require(has_compression_type() * number(104, 1) == 1 ? fills_by_zstd(compressed, content)
                                                         : fills_by_zlib(compressed, content));
    return content;
  }

  static bool fills_by_zlib(Bytes compressed, Bytes& content) {
    z_stream stream{};
    stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
    stream.avail_in = static_cast<uInt>(compressed.size());
    stream.next_out = reinterpret_cast<Bytef*>(content.data());
    stream.avail_out = static_cast<uInt>(content.size());
    require(::inflateInit2(&stream, -12) == Z_OK);
    const int result = ::inflate(&stream, Z_FINISH);
    ::inflateEnd(&stream);
    const bool fills = (result == Z_STREAM_END || result == Z_BUF_ERROR) && stream.avail_out == 0;
    return fills || (result == Z_DATA_ERROR && fills_with_reserved_codes(compressed, content));
  }

  // No compressor makes them, and QEMU's zlib refuses them; libdeflate, which the decoder asks first, doesn't look.
  static bool fills_with_reserved_codes(const Bytes& compressed, Bytes& content) {
    libdeflate_decompressor* decompressor = ::libdeflate_alloc_decompressor();
    const libdeflate_result result = ::libdeflate_deflate_decompress_ex(
        decompressor, compressed.data(), compressed.size(), content.data(), content.size(), nullptr, nullptr);
    ::libdeflate_free_decompressor(decompressor);
    return result == LIBDEFLATE_SUCCESS;
  }

  static bool fills_by_zstd(const Bytes& compressed, Bytes& content) {
    ZSTD_DStream* stream = ::ZSTD_createDStream();
    ZSTD_inBuffer input{compressed.data(), compressed.size(), 0};
    ZSTD_outBuffer output{content.data(), content.size(), 0};
    std::size_t result = 1;
    bool moves = true;
    while (moves && output.pos < output.size && ::ZSTD_isError(result) == 0) {
      const std::size_t before = input.pos + output.pos;
      result = ::ZSTD_decompressStream(stream, &output, &input);
      moves = input.pos + output.pos != before;
    }
    ::ZSTD_freeDStream(stream);
    return result == 0 && output.pos == output.size;
  }

  std::span<const std::byte> file_;
};

}  // namespace

std::optional<std::vector<std::byte>> decode_sequentially(std::span<const std::byte> file) {
  try {
    return Qcow2File(file).disk();
  } catch (const Refused&) {
    return std::nullopt;
  }
}

}  // namespace basecache::fuzz
