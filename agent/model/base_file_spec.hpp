#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "agent/model/cache_key.hpp"
#include "agent/model/ephemeral_format.hpp"
#include "agent/model/image.hpp"

namespace basecache::model {

// A base file made from an image.
struct ImageBase {
  ImageRef ref;
  std::optional<Digest> checksum;  // demanded by the caller; what the source promises is checked besides
  ImageUse use = ImageUse::disk;
  friend bool operator==(const ImageBase&, const ImageBase&) = default;
};

// A base file that is empty, but for what formatted it. Its label is in its name: who asks for ephemeral1 is never
// given a base file that says ephemeral0.
struct EphemeralBase {
  std::uint64_t gibibytes = 0;
  EphemeralFormat format;
  unsigned number = 0;  // of its label; of two digits at most, which every file system has room for

  std::string label() const { return "ephemeral" + std::to_string(number); }
  friend bool operator==(const EphemeralBase&, const EphemeralBase&) = default;
};

struct SwapBase {
  std::uint64_t mebibytes = 0;
  friend bool operator==(const SwapBase&, const SwapBase&) = default;
};

using BaseFileSpec = std::variant<ImageBase, EphemeralBase, SwapBase>;

// Of images one a ref, whatever the use. Of ephemeral ones Nova's own for number 0; the label of another number counts
// as a part of what formats it: "ext4 ephemeral1".
CacheKey key_of(const BaseFileSpec& spec);

// For messages: "image 'cirros'", "1 GiB ext4 file system", "256 MiB swap space".
std::string describe(const BaseFileSpec& spec);

}  // namespace basecache::model
