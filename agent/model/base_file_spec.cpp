#include "agent/model/base_file_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/base/text.hpp"

namespace basecache::model {
namespace {

constexpr std::array<std::string_view, 6> kFileSystems{"ext2", "ext3", "ext4", "xfs", "vfat", "ntfs"};

struct KeyOf {
  CacheKey operator()(const ImageBase& image) const { return CacheKey::for_image(image.ref.text()); }
  CacheKey operator()(const EphemeralBase& blank) const {
    return CacheKey::for_ephemeral(blank.gibibytes, blank.file_system);
  }
  CacheKey operator()(const SwapBase& blank) const { return CacheKey::for_swap(blank.mebibytes); }
};

struct Describe {
  std::string operator()(const ImageBase& image) const { return "image " + quote(image.ref.shown()); }
  std::string operator()(const EphemeralBase& blank) const {
    return fmt::format("{} GiB {} file system", blank.gibibytes, blank.file_system);
  }
  std::string operator()(const SwapBase& blank) const { return fmt::format("{} MiB swap space", blank.mebibytes); }
};

}  // namespace

std::span<const std::string_view> supported_file_systems() { return kFileSystems; }

bool is_supported_file_system(std::string_view name) {
  return std::ranges::find(kFileSystems, name) != kFileSystems.end();
}

CacheKey key_of(const BaseFileSpec& spec) { return std::visit(KeyOf{}, spec); }

std::string describe(const BaseFileSpec& spec) { return std::visit(Describe{}, spec); }

}  // namespace basecache::model
