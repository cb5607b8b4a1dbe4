#pragma once

#include <cstddef>
#include <cstdint>

// What stands where in a FAT file system (Microsoft, "FAT32 File System Specification", 2000).
namespace basecache::drive::fat {

constexpr std::size_t kEntrySize = 32;
constexpr std::size_t kUnitsPerEntry = 13;  // of a long name, UTF-16
// Where they are in an entry: five, six, two.
constexpr std::size_t kUnitOffsets[kUnitsPerEntry] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

// Of a directory's entry.
constexpr std::size_t kAttributes = 11;
constexpr std::size_t kCaseBits = 12;
constexpr std::size_t kAliasChecksum = 13;  // of a long name's
constexpr std::size_t kCreatedOn = 16;
constexpr std::size_t kAccessedOn = 18;
constexpr std::size_t kClusterHigh = 20;
constexpr std::size_t kWrittenOn = 24;
constexpr std::size_t kClusterLow = 26;
constexpr std::size_t kFileSize = 28;

constexpr unsigned kVolumeLabel = 0x08;
constexpr unsigned kDirectory = 0x10;
constexpr unsigned kArchive = 0x20;
constexpr unsigned kLongName = 0x0f;
constexpr unsigned kLastPart = 0x40;  // the part of a long name that stands first

constexpr std::uint16_t kFirstCluster = 2;

}  // namespace basecache::drive::fat
