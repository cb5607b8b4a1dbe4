#include "agent/model/cache_key.hpp"

#include <algorithm>

#include "agent/base/digest.hpp"
#include "agent/base/text.hpp"

namespace basecache::model {
namespace {

constexpr std::size_t kSha1Digits = 40;
constexpr std::size_t kFormatDigits = 7;
constexpr std::string_view kEphemeral = "ephemeral_";
constexpr std::string_view kSwap = "swap_";

bool is_number(std::string_view text) { return parse_unsigned(text).has_value(); }

// "<GiB>_<7 characters>"; Nova's own scan asks for no more (imagecache.py _store_ephemeral_image), but digits it is.
bool is_ephemeral_rest(std::string_view rest) {
  const std::size_t underscore = rest.find('_');
  return underscore != std::string_view::npos && is_number(rest.substr(0, underscore)) &&
         is_hex(rest.substr(underscore + 1), kFormatDigits);
}

// "<sha1>_<GiB>" and the older "<sha1>_sm".
bool is_resized(std::string_view name) {
  if (name.size() < kSha1Digits + 2 || name[kSha1Digits] != '_') return false;
  const std::string_view size = name.substr(kSha1Digits + 1);
  return is_hex(name.substr(0, kSha1Digits), kSha1Digits) && (size == "sm" || is_number(size));
}

}  // namespace

CacheKey CacheKey::for_image(std::string_view image_ref) {
  return CacheKey(Kind::image, hex_digest(DigestAlgorithm::sha1, image_ref));
}

CacheKey CacheKey::for_ephemeral(std::uint64_t gibibytes, std::string_view formatted_by) {
  const std::string digest = hex_digest(DigestAlgorithm::md5, formatted_by);
  return CacheKey(Kind::ephemeral,
                  std::string(kEphemeral) + std::to_string(gibibytes) + "_" + digest.substr(0, kFormatDigits));
}

CacheKey CacheKey::for_swap(std::uint64_t mebibytes) {
  return CacheKey(Kind::swap, std::string(kSwap) + std::to_string(mebibytes));
}

std::optional<CacheKey> CacheKey::parse(std::string_view name) {
  const auto key = [&](Kind kind) { return CacheKey(kind, std::string(name)); };
  if (is_hex(name, kSha1Digits)) return key(Kind::image);
  if (is_resized(name)) return key(Kind::resized_image);
  if (name.starts_with(kEphemeral) && is_ephemeral_rest(name.substr(kEphemeral.size()))) return key(Kind::ephemeral);
  if (name.starts_with(kSwap) && is_number(name.substr(kSwap.size()))) return key(Kind::swap);
  return std::nullopt;
}

std::string_view name_of(CacheKey::Kind kind) {
  switch (kind) {
    case CacheKey::Kind::image:
      return "image";
    case CacheKey::Kind::resized_image:
      return "resized_image";
    case CacheKey::Kind::ephemeral:
      return "ephemeral";
    case CacheKey::Kind::swap:
      return "swap";
  }
  return "";
}

}  // namespace basecache::model
