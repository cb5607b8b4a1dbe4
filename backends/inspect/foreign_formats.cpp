#include "backends/inspect/foreign_formats.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>

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

struct Magic {
  std::uint64_t offset;
  std::string_view bytes;
  ForeignFormat format;
};

// Where a format has several magics, each is a line. Sources: QEMU's block/*.c, file(1)'s magic.
constexpr std::array kMagics{
    Magic{0, "QFI\xfb\0\0\0\1"sv, {"a qcow image of version 1", kFlatten}},
    Magic{0, "QED\0"sv, {"a QED image", kFlatten}},
    Magic{0, "LUKS\xba\xbe"sv, {"a LUKS encrypted image", kDecrypt}},
    Magic{0, "WithoutFreeSpace"sv, {"a Parallels image", kFlatten}},
    Magic{0, "WithouFreSpacExt"sv, {"a Parallels image", kFlatten}},
    Magic{0, "Bochs Virtual HD Image"sv, {"a Bochs image", kFlatten}},
    Magic{0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"sv, {"a cloop image", kFlatten}},
    Magic{0,
          "\xfd"
          "7zXZ\0"sv,
          {"an xz-compressed file", kDecompress, true}},
    Magic{0, "\x1f\x8b\x08"sv, {"a gzip-compressed file", kDecompress, true}},
    Magic{0, "BZh"sv, {"a bzip2-compressed file", kDecompress, true}},
    Magic{0, "\x28\xb5\x2f\xfd"sv, {"a zstd-compressed file", kDecompress, true}},
    Magic{0, "\x04\x22\x4d\x18"sv, {"an lz4-compressed file", kDecompress, true}},
    Magic{0, "\x02\x21\x4c\x18"sv, {"an lz4-compressed file", kDecompress, true}},
    Magic{0, "\x89LZO\0"sv, {"an lzop-compressed file", kDecompress, true}},
    Magic{0, "\x5d\0\0\x80\0"sv, {"an lzma-compressed file", kDecompress, true}},
    Magic{0, "PK\3\4"sv, {"a zip archive", kUnpack}},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, {"a 7z archive", kUnpack}},
    Magic{0, "Rar!\x1a\x07"sv, {"a rar archive", kUnpack}},
    Magic{257, "ustar"sv, {"a tar archive (an OVA is one)", kUnpack}},
};

constexpr ForeignFormat kAppleDiskImage{"an Apple disk image (dmg)", kFlatten};
constexpr ForeignFormat kPage{"a web page or an XML text, not an image", kWebPage};

// Openings of HTML and XML, in lower case.
constexpr std::array kPageOpenings{"<!doctype"sv, "<html"sv, "<?xml"sv, "<head"sv, "<body"sv, "<title"sv, "<error"sv};

ByteReader head_of(const ImageSample& sample) { return {sample.head(), ByteOrder::big, "the file"}; }

// UTF-8's byte order mark and blanks may stand in front.
bool is_page(const ByteReader& head) {
  std::string_view text = head.text(0, std::min<std::uint64_t>(head.size(), 1024));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string start(text.substr(0, 16));
  std::ranges::transform(start, start.begin(), [](unsigned char one) { return static_cast<char>(std::tolower(one)); });
  return std::ranges::any_of(kPageOpenings, [&](std::string_view opening) { return start.starts_with(opening); });
}

// Its only header is a trailer of 512 bytes.
bool is_apple_disk_image(const ImageSample& sample) {
  const ByteReader tail(sample.tail(), ByteOrder::big, "the dmg trailer");
  return tail.size() >= 512 && tail.holds(tail.size() - 512, "koly\0\0\0\4"sv);
}

}  // namespace

const ForeignFormat* foreign_format(const ImageSample& sample) {
  const ByteReader head = head_of(sample);
  for (const Magic& magic : kMagics) {
    if (head.holds(magic.offset, magic.bytes)) return &magic.format;
  }
  if (is_apple_disk_image(sample)) return &kAppleDiskImage;
  return is_page(head) ? &kPage : nullptr;
}

}  // namespace basecache::inspect
