#include "agent/model/virt_type.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace basecache::model {
namespace {

constexpr std::array<std::pair<std::string_view, VirtType>, 4> kNames{
    {{"kvm", VirtType::kvm}, {"qemu", VirtType::qemu}, {"lxc", VirtType::lxc}, {"uml", VirtType::uml}}};

}  // namespace

std::string_view name_of(VirtType type) {
  return std::ranges::find(kNames, type, [](const auto& known) { return known.second; })->first;
}

std::optional<VirtType> virt_type_from(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, [](const auto& known) { return known.first; });
  return found == kNames.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace basecache::model
