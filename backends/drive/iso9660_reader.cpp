#include "backends/drive/iso9660_reader.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/little_endian.hpp"
#include "backends/drive/drive_files.hpp"
#include "backends/drive/fat_names.hpp"
#include "backends/drive/rock_ridge.hpp"

namespace basecache::drive {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kBlock = 2048;
constexpr std::size_t kFirstDescriptor = 16;
constexpr std::size_t kMostDescriptors = 32;
constexpr unsigned kPrimary = 1;
constexpr unsigned kSupplementary = 2;
constexpr unsigned kLast = 255;
constexpr std::size_t kVolumeName = 40;
constexpr std::size_t kVolumeNameLength = 32;
constexpr std::size_t kEscapes = 88;
constexpr std::size_t kRootRecord = 156;
constexpr std::size_t kRecordHead = 33;  // before the name

constexpr unsigned kIsDirectory = 0x02;
constexpr unsigned kIsAssociated = 0x04;
constexpr unsigned kGoesOn = 0x80;

unsigned byte_at(Bytes bytes, std::size_t offset) { return std::to_integer<unsigned>(bytes[offset]); }

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

Bytes part_of(Bytes medium, std::uint64_t offset, std::uint64_t length) {
  if (offset > medium.size() || length > medium.size() - offset) throw unreadable("a file leads out of it");
  return medium.subspan(offset, length);
}

// One directory record (ECMA-119, 9.1).
struct Record {
  explicit Record(Bytes whole) : bytes(whole) {
    const std::size_t name_length = byte_at(bytes, 32);
    if (kRecordHead + name_length > bytes.size()) throw unreadable("a name is longer than its record");
    name = bytes.subspan(kRecordHead, name_length);
    // Filled up to an even length.
    const std::size_t behind = kRecordHead + name_length + (name_length % 2 == 0 ? 1 : 0);
    if (behind < bytes.size()) system_use = bytes.subspan(behind);
  }

  std::uint64_t offset() const {
    return (std::uint64_t{number_at<std::uint32_t>(bytes, 2)} + byte_at(bytes, 1)) * kBlock;
  }
  std::uint32_t size() const { return number_at<std::uint32_t>(bytes, 10); }
  unsigned flags() const { return byte_at(bytes, 25); }
  bool is_dot() const { return name.size() == 1 && byte_at(name, 0) <= 1; }

  Bytes bytes, name, system_use;
};

Bytes descriptor_at(Bytes medium, std::size_t index) {
  const std::size_t offset = (kFirstDescriptor + index) * kBlock;
  if (offset + kBlock > medium.size()) return {};
  const Bytes descriptor = medium.subspan(offset, kBlock);
  return text_of(descriptor.subspan(1, 5)) == "CD001" ? descriptor : Bytes{};
}

bool is_joliet(Bytes descriptor) {
  const std::string_view escapes = text_of(descriptor.subspan(kEscapes, 3));
  return escapes == "%/@" || escapes == "%/C" || escapes == "%/E";
}

struct Descriptors {
  explicit Descriptors(Bytes medium) {
    for (std::size_t i = 0; i < kMostDescriptors; ++i) {
      const Bytes one = descriptor_at(medium, i);
      if (one.empty() || byte_at(one, 0) == kLast) break;
      if (byte_at(one, 0) == kPrimary && primary.empty()) primary = one;
      if (byte_at(one, 0) == kSupplementary && joliet.empty() && is_joliet(one)) joliet = one;
    }
    if (primary.empty()) throw unreadable("it has no primary volume descriptor");
    if (number_at<std::uint16_t>(primary, 128) != kBlock) throw unreadable("its blocks aren't of 2048 bytes");
  }

  Bytes primary, joliet;
};

// Big-endian, and without a version.
std::string joliet_name(Bytes name) {
  std::u16string text;
  for (std::size_t i = 0; i + 1 < name.size(); i += 2) {
    text += static_cast<char16_t>(byte_at(name, i) << 8U | byte_at(name, i + 1));
  }
  return utf8_of(std::u16string_view(text).substr(0, text.find(u';')));
}

// "META_DAT.JSO;1" as Linux shows it: "meta_dat.jso".
std::string plain_name(Bytes name) {
  std::string text(text_of(name).substr(0, text_of(name).find(';')));
  if (text.ends_with('.')) text.pop_back();
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

class Walk {
 public:
  explicit Walk(Bytes medium) : medium_(medium), descriptors_(medium) {}

  ReadDrive whole() {
    const Record root = root_of(descriptors_.primary);
    skip_ = rock_ridge_skip(first_record(contents_of(root)).system_use);
    has_joliet_names_ = !skip_ && !descriptors_.joliet.empty();
    directory(has_joliet_names_ ? root_of(descriptors_.joliet) : root, "");
    const std::string_view label = text_of(descriptors_.primary.subspan(kVolumeName, kVolumeNameLength));
    return {model::DriveFormat::iso9660, std::string(label.substr(0, label.find_last_not_of(' ') + 1)),
            std::move(files_).sorted()};
  }

 private:
  static Record root_of(Bytes descriptor) { return Record(descriptor.subspan(kRootRecord, kRecordHead + 1)); }

  Bytes contents_of(const Record& record) const { return part_of(medium_, record.offset(), record.size()); }

  // A record doesn't go over the end of a block: 0 in place of its length leads to the next.
  static Record first_record(Bytes bytes) {
    const std::size_t length = bytes.empty() ? 0 : byte_at(bytes, 0);
    if (length <= kRecordHead || length > bytes.size()) throw unreadable("a directory has a broken record");
    return Record(bytes.first(length));
  }

  void directory(const Record& record, const std::string& path) {
    if (!seen_.insert(record.offset()).second) throw unreadable("a directory leads back to itself");
    const Bytes all = contents_of(record);
    for (std::size_t at = 0; at < all.size();) {
      if (byte_at(all, at) == 0) {
        at = (at / kBlock + 1) * kBlock;
        continue;
      }
      const Record entry = first_record(all.subspan(at));
      at += entry.bytes.size();
      if (!entry.is_dot()) named(entry, path);
    }
  }

  void named(const Record& entry, const std::string& directory_path) {
    files_.count();
    RockRidge more;
    if (skip_ && *skip_ <= entry.system_use.size()) more = rock_ridge_of(medium_, entry.system_use.subspan(*skip_));
    if (more.is_moved || (entry.flags() & kGoesOn) != 0)
      throw unreadable("a file or directory stands in several places");
    if (more.is_special || (entry.flags() & kIsAssociated) != 0) return;
    std::string name = std::move(more.name);
    if (name.empty()) name = has_joliet_names_ ? joliet_name(entry.name) : plain_name(entry.name);
    const std::string path = files_.path_in(directory_path, name);
    if ((entry.flags() & kIsDirectory) != 0) return directory(entry, path);
    files_.add(path, std::string(text_of(contents_of(entry))));
  }

  Bytes medium_;
  Descriptors descriptors_;
  std::optional<std::size_t> skip_;  // of Rock Ridge
  bool has_joliet_names_ = false;
  std::set<std::uint64_t> seen_;
  DriveFiles files_;
};

}  // namespace

bool is_iso9660(std::span<const std::byte> medium) { return !descriptor_at(medium, 0).empty(); }

ReadDrive read_iso9660(std::span<const std::byte> medium) { return Walk(medium).whole(); }

}  // namespace basecache::drive
