#include "agent/model/base_file_spec.hpp"

#include <fmt/format.h>

#include "agent/base/text.hpp"

namespace basecache::model {
namespace {

struct KeyOf {
  CacheKey operator()(const ImageBase& image) const { return CacheKey::for_image(image.ref.text()); }
  CacheKey operator()(const EphemeralBase& blank) const {
    const std::string& made_by = text_of(blank.format);
    return CacheKey::for_ephemeral(blank.gibibytes, blank.number == 0 ? made_by : made_by + " " + blank.label());
  }
  CacheKey operator()(const SwapBase& blank) const { return CacheKey::for_swap(blank.mebibytes); }
};

struct Describe {
  std::string operator()(const ImageBase& image) const {
    const std::string what = image.use == ImageUse::boot_file ? "kernel or ramdisk image " : "image ";
    return what + quote(image.ref.shown());
  }
  std::string operator()(const EphemeralBase& blank) const {
    if (const auto* command = std::get_if<MkfsCommand>(&blank.format)) {
      return fmt::format("{} GiB ephemeral disk by {}", blank.gibibytes, quote(command->text()));
    }
    const std::string& name = std::get<std::string>(blank.format);
    return fmt::format("{} GiB {} {}", blank.gibibytes, name,
                       is_supported_file_system(name) ? "file system" : "ephemeral disk");
  }
  std::string operator()(const SwapBase& blank) const { return fmt::format("{} MiB swap space", blank.mebibytes); }
};

}  // namespace

CacheKey key_of(const BaseFileSpec& spec) { return std::visit(KeyOf{}, spec); }

std::string describe(const BaseFileSpec& spec) { return std::visit(Describe{}, spec); }

}  // namespace basecache::model
