#include "backends/drive/fat_reader.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/little_endian.hpp"
#include "backends/drive/drive_files.hpp"
#include "backends/drive/fat_format.hpp"
#include "backends/drive/fat_names.hpp"
#include "backends/drive/fat_volume.hpp"

namespace basecache::drive {
namespace {

using Entry = std::span<const std::byte>;

constexpr unsigned kDeleted = 0xe5;
constexpr unsigned kMostParts = 20;

unsigned byte_at(Entry entry, std::size_t offset) { return std::to_integer<unsigned>(entry[offset]); }

FatAlias alias_in(Entry entry) {
  FatAlias alias;
  std::ranges::transform(entry.first(alias.size()), alias.begin(), [](std::byte b) { return static_cast<char>(b); });
  return alias;
}

// Text of an alias. What isn't ASCII stands in a code page that nothing tells.
std::string plain_text(std::string_view padded, bool is_lower) {
  std::string text(padded.substr(0, padded.find_last_not_of(' ') + 1));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '_';
    if (is_lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Windows keeps short names that are all in lower case by a bit for each part.
std::string short_name(Entry entry) {
  const FatAlias alias = alias_in(entry);
  const std::string_view text(alias.data(), alias.size());
  const unsigned cases = byte_at(entry, fat::kCaseBits);
  const std::string base = plain_text(text.substr(0, 8), (cases & 0x08U) != 0);
  const std::string extension = plain_text(text.substr(8), (cases & 0x10U) != 0);
  return extension.empty() ? base : base + "." + extension;
}

// Collects the parts of a long name, which stand before its short one, the last part first.
class LongName {
 public:
  void take(Entry entry) {
    const unsigned order = byte_at(entry, 0);
    if ((order & fat::kLastPart) != 0) start(order & ~fat::kLastPart, byte_at(entry, fat::kAliasChecksum));
    const bool follows = left_ > 0 && (order & ~fat::kLastPart) == left_;
    if (!follows || byte_at(entry, fat::kAliasChecksum) != checksum_) return forget();
    --left_;
    std::u16string part;
    for (const std::size_t offset : fat::kUnitOffsets) part += number_at<std::uint16_t>(entry, offset);
    text_ = part + text_;
  }

  void forget() { *this = LongName(); }

  // "" when it isn't whole, or another's.
  std::string of(const FatAlias& alias) const {
    if (left_ != 0 || text_.empty() || checksum_of(alias) != checksum_) return "";
    return utf8_of(std::u16string_view(text_).substr(0, text_.find(u'\0')));
  }

 private:
  void start(unsigned parts, unsigned checksum) {
    text_.clear();
    left_ = parts <= kMostParts ? parts : 0;
    checksum_ = checksum;
  }

  std::u16string text_;
  unsigned left_ = 0;
  unsigned checksum_ = 0;
};

class Walk {
 public:
  explicit Walk(std::span<const std::byte> medium) : volume_(medium) {}

  ReadDrive whole() {
    directory(volume_.root(), "");
    return {model::DriveFormat::vfat, std::move(label_), std::move(files_).sorted()};
  }

 private:
  void directory(const std::vector<std::byte>& bytes, const std::string& path) {
    LongName long_name;
    for (Entry rest = bytes; rest.size() >= fat::kEntrySize; rest = rest.subspan(fat::kEntrySize)) {
      const Entry entry = rest.first(fat::kEntrySize);
      const unsigned attributes = byte_at(entry, fat::kAttributes);
      if (byte_at(entry, 0) == 0) return;
      if (byte_at(entry, 0) != kDeleted && (attributes & 0x3fU) == fat::kLongName) {
        long_name.take(entry);
        continue;
      }
      if (byte_at(entry, 0) != kDeleted) named(entry, attributes, long_name.of(alias_in(entry)), path);
      long_name.forget();
    }
  }

  void named(Entry entry, unsigned attributes, std::string name, const std::string& directory_path) {
    if ((attributes & fat::kVolumeLabel) != 0) {
      const FatAlias alias = alias_in(entry);
      if (label_.empty()) label_ = plain_text({alias.data(), alias.size()}, false);
      return;
    }
    if (name.empty()) name = short_name(entry);
    if (name == "." || name == "..") return;
    files_.count();
    const std::string path = files_.path_in(directory_path, name);
    const std::uint32_t high = volume_.is_fat32() ? number_at<std::uint16_t>(entry, fat::kClusterHigh) : 0U;
    const std::uint32_t first = high << 16U | number_at<std::uint16_t>(entry, fat::kClusterLow);
    if ((attributes & fat::kDirectory) != 0) return directory(volume_.chain(first), path);
    const std::vector<std::byte> bytes = volume_.chain(first, number_at<std::uint32_t>(entry, fat::kFileSize));
    files_.add(path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  FatVolume volume_;
  DriveFiles files_;
  std::string label_;
};

}  // namespace

bool is_fat(std::span<const std::byte> medium) {
  if (medium.size() < 512) return false;
  const unsigned jump = byte_at(medium, 0);
  return (jump == 0xeb || jump == 0xe9) && number_at<std::uint16_t>(medium, 510) == 0xaa55;
}

ReadDrive read_fat(std::span<const std::byte> medium) { return Walk(medium).whole(); }

}  // namespace basecache::drive
