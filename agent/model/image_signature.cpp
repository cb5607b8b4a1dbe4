#include "agent/model/image_signature.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/base64.hpp"

namespace basecache::model {
namespace {

using Properties = std::map<std::string, std::string>;

constexpr const char* kSignature = "img_signature";
constexpr const char* kHashMethod = "img_signature_hash_method";
constexpr const char* kKeyType = "img_signature_key_type";
constexpr const char* kCertificate = "img_signature_certificate_uuid";
constexpr std::array kProperties{kSignature, kHashMethod, kKeyType, kCertificate};

// In the order of their enums.
constexpr std::array<std::string_view, 4> kHashes{"SHA-224", "SHA-256", "SHA-384", "SHA-512"};
constexpr std::array<std::string_view, 8> kKeyTypes{"RSA-PSS",       "DSA",           "ECC_SECT571K1", "ECC_SECT409K1",
                                                    "ECC_SECT571R1", "ECC_SECT409R1", "ECC_SECP521R1", "ECC_SECP384R1"};

Error unacceptable(const std::string& message, const char* property) {
  return Error(ErrorCode::image_unacceptable, message).add_field("property", property);
}

void require_all(const Properties& properties) {
  std::vector<std::string> missing;
  for (const char* name : kProperties) {
    if (!properties.contains(name)) missing.emplace_back(name);
  }
  if (missing.empty()) return;
  throw unacceptable(
      fmt::format("the image's signature is incomplete: property {} is missing", fmt::join(missing, ", ")),
      missing.front().c_str())
      .set_hint(fmt::format("a signed image has all of {}", fmt::join(kProperties, ", ")));
}

std::string signature_bytes(const std::string& text) {
  const std::optional<std::string> bytes = base64_decode(text);
  if (bytes && !bytes->empty()) return *bytes;
  throw unacceptable(fmt::format("the image's property {} is not base64: {}", kSignature, quote(text, 40)), kSignature)
      .set_hint("set it to the output of 'base64 -w 0' of the signature file");
}

template <std::size_t Count>
std::size_t index_of_word(const std::string& word, const std::array<std::string_view, Count>& words,
                          const char* property) {
  const auto found = std::ranges::find(words, word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  throw unacceptable(fmt::format("the image's property {} is {}, which is none of {}", property, quote(word, 40),
                                 fmt::join(words, ", ")),
                     property)
      .set_hint("correct the property in the registry, or sign the image anew");
}

std::string certificate_id(const std::string& text) {
  std::string id = lower_case(text);
  if (is_uuid(id)) return id;
  throw unacceptable(fmt::format("the image's property {} is not a UUID: {}", kCertificate, quote(text, 40)),
                     kCertificate)
      .set_hint("set it to the UUID of the certificate that verifies the signature");
}

}  // namespace

std::string_view name_of(SignatureHash hash) { return kHashes[static_cast<std::size_t>(hash)]; }
std::string_view name_of(SignatureKeyType type) { return kKeyTypes[static_cast<std::size_t>(type)]; }

std::optional<ImageSignature> signature_of(const Properties& properties) {
  const bool any = std::ranges::any_of(kProperties, [&](const char* name) { return properties.contains(name); });
  if (!any) return std::nullopt;
  require_all(properties);
  return ImageSignature{
      .value = signature_bytes(properties.at(kSignature)),
      .hash = static_cast<SignatureHash>(index_of_word(properties.at(kHashMethod), kHashes, kHashMethod)),
      .key_type = static_cast<SignatureKeyType>(index_of_word(properties.at(kKeyType), kKeyTypes, kKeyType)),
      .certificate_id = certificate_id(properties.at(kCertificate))};
}

}  // namespace basecache::model
