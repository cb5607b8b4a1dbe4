#pragma once

#include <optional>
#include <string>

#include "agent/cache/domain_leases.hpp"
#include "agent/domain/known_domain.hpp"
#include "agent/provision/provisioner.hpp"

namespace basecache::provision {

// The disks of a domain that libvirt starts: held as long as it runs, made before it does.
class DomainDisks {
 public:
  DomainDisks(Provisioner& provisioner, cache::DomainLeases& leases) : provisioner_(provisioner), leases_(leases) {}

  // `by`: whose libvirt asks, as DomainLeases has it.
  void hold(const domain::KnownDomain& domain, uid_t by) { leases_.hold(domain, by); }
  bool let_go(const std::string& uuid, uid_t by = 0) { return leases_.release(uuid, by); }

  // Makes what `request` asks for; nothing without one. A disk that has grown beyond it is kept. Files of the domain
  // that aren't there afterwards are noted with the operation: nobody makes those. Errors of Provisioner::create(); a
  // domain that is held stays so: libvirt lets go of it after a start that failed, and another start may hold it
  // already.
  InstanceDisks prepare(const domain::KnownDomain& domain, const std::optional<model::InstanceSpec>& request,
                        OpContext& op);

 private:
  Provisioner& provisioner_;
  cache::DomainLeases& leases_;
};

}  // namespace basecache::provision
