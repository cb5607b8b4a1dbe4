#include "agent/provision/domain_disks.hpp"

#include <fmt/format.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::provision {
namespace {

// What libvirt makes itself isn't there before the start.
bool is_made_by_libvirt(const domain::DomainFile& file) { return file.role.starts_with("firmware"); }

void note_missing_files(const domain::KnownDomain& domain, OpContext& op) {
  for (const domain::DomainFile& file : domain.files) {
    boost::system::error_code unknown;
    const auto type = boost::filesystem::status(file.path, unknown).type();
    if (type != boost::filesystem::file_not_found || is_made_by_libvirt(file)) continue;
    op.note(fmt::format("{}: {} isn't there, and isn't made for this domain", file.role, quote(file.path.native())));
  }
}

}  // namespace

InstanceDisks DomainDisks::prepare(const domain::KnownDomain& domain, const std::optional<model::InstanceSpec>& request,
                                   OpContext& op) {
  const auto uuid = model::InstanceId::parse(domain.uuid, "uuid");
  InstanceDisks made = request ? provisioner_.create(*request, op, CreationFor::start) : InstanceDisks{uuid, {}};
  note_missing_files(domain, op);
  return made;
}

}  // namespace basecache::provision
