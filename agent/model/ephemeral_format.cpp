#include "agent/model/ephemeral_format.hpp"

#include <algorithm>
#include <array>

namespace basecache::model {
namespace {

constexpr std::array<std::string_view, 7> kGuestFormats{"ext2", "ext3", "ext4", "xfs", "vfat", "ntfs", "swap"};

bool holds(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

const std::string& text_of(const EphemeralFormat& format) {
  const auto* command = std::get_if<MkfsCommand>(&format);
  return command != nullptr ? command->text() : std::get<std::string>(format);
}

bool writes_label(const EphemeralFormat& format) {
  const auto* command = std::get_if<MkfsCommand>(&format);
  return command == nullptr || command->writes_label();
}

std::span<const std::string_view> supported_file_systems() {
  return std::span(kGuestFormats).first(kGuestFormats.size() - 1);  // swap is none
}

bool is_supported_file_system(std::string_view name) { return holds(supported_file_systems(), name); }

std::span<const std::string_view> supported_guest_formats() { return kGuestFormats; }

bool is_supported_guest_format(std::string_view name) { return holds(kGuestFormats, name); }

}  // namespace basecache::model
