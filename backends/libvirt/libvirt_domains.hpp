#pragma once

#include <chrono>
#include <string>

#include "agent/base/path.hpp"
#include "agent/model/virt_type.hpp"
#include "agent/prune/domain_inventory.hpp"

namespace basecache::libvirt {

// Whether a libvirt that runs guests is installed, or its socket there: /usr/sbin/libvirtd, the daemons of one
// hypervisor (virtqemud, virtlxcd, virtvzd), /run/libvirt. `root`: of the file system, for tests.
bool is_installed(const Path& root = "/");

// Where the node's libvirt is, as Nova has it (LibvirtDriver._uri in nova/virt/libvirt/driver.py).
std::string default_uri(model::VirtType type);

struct LibvirtSettings {
  std::string uri = "qemu:///system";
  Path program = "/proc/self/exe";    // what lists (list_program.hpp): the program that runs now
  std::chrono::seconds patience{30};  // for all of libvirt's answers
};

// Asks libvirt by a child process, which is ended whenever nobody wants its answer any more: with the operation, and
// as soon as a hook waits for this process. Error(tool_failed) with a hint when libvirt isn't there, Error(timed_out)
// when it doesn't answer, Error(busy) for a hook.
class LibvirtDomains final : public prune::DomainInventory {
 public:
  explicit LibvirtDomains(LibvirtSettings settings) : settings_(std::move(settings)) {}

  std::vector<domain::KnownDomain> domains(const OpContext& op) const override;

 private:
  LibvirtSettings settings_;
};

}  // namespace basecache::libvirt
