#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "agent/model/cache_key.hpp"
#include "agent/model/image.hpp"

namespace basecache::model {

// A base file made from an image.
struct ImageBase {
  ImageRef ref;
  std::optional<Digest> checksum;  // demanded by the caller; what the source promises is checked besides
  friend bool operator==(const ImageBase&, const ImageBase&) = default;
};

// The file systems an ephemeral disk can have: what Nova formats by default and what it takes as guest_format
// (nova/privsep/fs.py).
std::span<const std::string_view> supported_file_systems();
bool is_supported_file_system(std::string_view name);

// A base file that is an empty file system, labelled "ephemeral0" (as Nova's first builder would label it).
struct EphemeralBase {
  std::uint64_t gibibytes = 0;
  std::string file_system;  // "ext4", "vfat" ...; one of supported_file_systems()
  friend bool operator==(const EphemeralBase&, const EphemeralBase&) = default;
};

struct SwapBase {
  std::uint64_t mebibytes = 0;
  friend bool operator==(const SwapBase&, const SwapBase&) = default;
};

using BaseFileSpec = std::variant<ImageBase, EphemeralBase, SwapBase>;

CacheKey key_of(const BaseFileSpec& spec);

// For messages: "image 'cirros'", "1 GiB ext4 file system", "256 MiB swap space".
std::string describe(const BaseFileSpec& spec);

}  // namespace basecache::model
