#pragma once

#include <optional>

#include "agent/base/op_context.hpp"
#include "agent/cache/base_file.hpp"
#include "agent/injection/wanted_injection.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/disk_backend.hpp"
#include "agent/provision/guest_injector.hpp"

namespace basecache::provision {

// What is written into a new root disk, and that it is: what the guest has no config drive for.
class FileInjection {
 public:
  FileInjection(GuestInjector& injector, injection::InjectionSettings settings)
      : injector_(injector), settings_(settings) {}

  // Nothing where there is a config drive, which goes before (nova/virt/libvirt/driver.py,
  // _create_and_inject_local_root), or nothing to put in. A root disk that is a volume is told as a note.
  std::optional<injection::Injection> wanted(const model::InstanceSpec& spec, const model::DiskPlan& plan,
                                             OpContext& op) const;

  // Into a root disk that was just made; what a guest has had in its hands is left alone, as Nova injects where it
  // spawns.
  void inject(const injection::Injection& injection, const DiskPlace& place, const MadeDisk& made,
              const cache::BaseFile& base, OpContext& op) const;

 private:
  GuestInjector& injector_;
  injection::InjectionSettings settings_;
};

}  // namespace basecache::provision
