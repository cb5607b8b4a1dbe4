#include "backends/inspect/unsupported_format.hpp"

#include <array>

#include "backends/inspect/magic.hpp"
#include "backends/inspect/refusal.hpp"

namespace basecache::inspect {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kDecompress = "decompress it and upload what was inside";
constexpr std::string_view kUnpack = "unpack it and upload the disk image inside";
constexpr std::string_view kDecrypt = "convert it to an unencrypted image where the key is known, and upload that";
constexpr std::string_view kWebPage =
    "a server or proxy answered with a page instead of the image: open the address in a browser, and check address, "
    "login and network";

// By file(1)'s magic.
bool is_xz(const ImageSample& sample) { return begins_with(sample, "\xfd\x37zXZ\0"sv); }
bool is_gzip(const ImageSample& sample) { return begins_with(sample, "\x1f\x8b\x08"); }
bool is_bzip2(const ImageSample& sample) { return begins_with(sample, "BZh"); }
bool is_zstd(const ImageSample& sample) { return begins_with(sample, "\x28\xb5\x2f\xfd"); }
bool is_lz4(const ImageSample& sample) {
  return begins_with(sample, "\x04\x22\x4d\x18") || begins_with(sample, "\x02\x21\x4c\x18");
}
bool is_lzop(const ImageSample& sample) { return begins_with(sample, "\x89LZO\0"sv); }
bool is_lzma(const ImageSample& sample) { return begins_with(sample, "\x5d\0\0\x80\0"sv); }
bool is_zip(const ImageSample& sample) { return begins_with(sample, "PK\3\4"); }
bool is_7z(const ImageSample& sample) { return begins_with(sample, "7z\xbc\xaf\x27\x1c"); }
bool is_rar(const ImageSample& sample) { return begins_with(sample, "Rar!\x1a\x07"); }
bool is_tar(const ImageSample& sample) {
  return ByteReader(sample.head(), ByteOrder::big, "the file").holds(257, "ustar");
}

constexpr std::array kFormats{
    UnsupportedFormat{"qcow", "a qcow image of version 1", kFlatten, is_qcow1},
    UnsupportedFormat{"qed", "a QED image", kFlatten, is_qed},
    UnsupportedFormat{"luks", "a LUKS encrypted image", kDecrypt, is_luks},
    UnsupportedFormat{"parallels", "a Parallels image", kFlatten, is_parallels},
    UnsupportedFormat{"bochs", "a Bochs image", kFlatten, is_bochs},
    UnsupportedFormat{"cloop", "a cloop image", kFlatten, is_cloop},
    UnsupportedFormat{"dmg", "an Apple disk image (dmg)", kFlatten, is_dmg},
    UnsupportedFormat{"xz", "an xz-compressed file", kDecompress, is_xz, true},
    UnsupportedFormat{"gzip", "a gzip-compressed file", kDecompress, is_gzip, true},
    UnsupportedFormat{"bzip2", "a bzip2-compressed file", kDecompress, is_bzip2, true},
    UnsupportedFormat{"zstd", "a zstd-compressed file", kDecompress, is_zstd, true},
    UnsupportedFormat{"lz4", "an lz4-compressed file", kDecompress, is_lz4, true},
    UnsupportedFormat{"lzop", "an lzop-compressed file", kDecompress, is_lzop, true},
    UnsupportedFormat{"lzma", "an lzma-compressed file", kDecompress, is_lzma, true},
    UnsupportedFormat{"zip", "a zip archive", kUnpack, is_zip},
    UnsupportedFormat{"7z", "a 7z archive", kUnpack, is_7z},
    UnsupportedFormat{"rar", "a rar archive", kUnpack, is_rar},
    UnsupportedFormat{"tar", "a tar archive (an OVA is one)", kUnpack, is_tar},
    UnsupportedFormat{"text", "a web page or an XML text, not an image", kWebPage, is_web_page},
};

}  // namespace

std::vector<const UnsupportedFormat*> unsupported_formats(const ImageSample& sample) {
  std::vector<const UnsupportedFormat*> found;
  for (const UnsupportedFormat& format : kFormats) {
    if (format.matches(sample)) found.push_back(&format);
  }
  return found;
}

}  // namespace basecache::inspect
