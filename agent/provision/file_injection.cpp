#include "agent/provision/file_injection.hpp"

#include <algorithm>

#include "agent/metadata/interfaces_file.hpp"

namespace basecache::provision {

std::optional<injection::Injection> FileInjection::wanted(const model::InstanceSpec& spec, const model::DiskPlan& plan,
                                                          OpContext& op) const {
  if (plan.config_drive) return std::nullopt;
  const auto network = metadata::interfaces_file(spec.network_info,
                                                 settings_.is_container ? model::VirtType::lxc : model::VirtType::kvm);
  auto injection = injection::wanted_injection(spec, settings_, network.value_or(""));
  const auto is_root = [&](const model::DiskSpec& disk) { return disk.name == model::kRootDisk + spec.suffix; };
  if (!injection || std::ranges::any_of(plan.disks, is_root)) return injection;
  op.note("nothing was injected: the root disk is a volume");
  return std::nullopt;
}

// Of an encrypted volume the plain text is open while it is made.
void FileInjection::inject(const injection::Injection& injection, const DiskPlace& place, const MadeDisk& made,
                           const cache::BaseFile& base, OpContext& op) const {
  const auto step = op.steps().measure("inject");
  const Path& path = place.key_id.empty() ? place.staged : place.path;
  injector_.inject({.path = path, .format = made.format, .size = made.size, .base = base}, injection, op);
}

}  // namespace basecache::provision
