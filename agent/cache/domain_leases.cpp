#include "agent/cache/domain_leases.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/machine.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/domain/domain_message.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::cache {
namespace {

using nlohmann::json;

constexpr std::string_view kEnd = ".json";
// kMostFiles of them with the longest paths.
constexpr Bytes kLargestLease = mebibytes(64);

std::string first_line(const Path& file) {
  const std::string text = read_small_file(file).value_or("");
  return text.substr(0, text.find('\n'));
}

struct Lease {
  domain::KnownDomain domain;
  std::string node;
  std::string boot;
};

std::optional<Lease> read_lease(const Path& file, const std::string& uuid) {
  try {
    const auto text = read_small_file(file, kLargestLease);
    if (!text) return std::nullopt;
    const json object = json::parse(*text);
    model::JsonFields fields(object, "");
    Lease lease{.domain = domain::read_domain(uuid, fields), .node = {}, .boot = {}};
    lease.node = object.at("node").get<std::string>();
    lease.boot = object.at("boot").get<std::string>();
    return lease;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::storage_unusable,
                "the lease " + quote(file.native()) + " of a domain can't be read: " + error.what())
        .set_hint("remove it when that domain doesn't run");
  }
}

// Nothing for what else stands there.
std::optional<std::string> uuid_of(const Path& file) {
  const std::string name = file.filename().native();
  if (!name.ends_with(kEnd)) return std::nullopt;
  std::string uuid = name.substr(0, name.size() - kEnd.size());
  return is_uuid(uuid) ? std::optional(std::move(uuid)) : std::nullopt;
}

std::vector<Lease> read_all(const layout::CacheLayout& layout) {
  std::vector<Lease> leases;
  for (const Path& file : layout::state_files(layout.domain_lease_directory())) {
    const auto uuid = uuid_of(file);
    if (!uuid) continue;
    if (auto lease = read_lease(file, *uuid)) leases.push_back(*std::move(lease));
  }
  return leases;
}

}  // namespace

DomainLeases::DomainLeases(const layout::CacheLayout& layout)
    : DomainLeases(layout, machine_id(), first_line("/proc/sys/kernel/random/boot_id")) {}

DomainLeases::DomainLeases(const layout::CacheLayout& layout, std::string node, std::string boot)
    : layout_(layout), node_(std::move(node)), boot_(std::move(boot)) {}

// Synced: what a power cut leaves of a lazy one would stop all pruning.
void DomainLeases::hold(const domain::KnownDomain& domain) {
  json lease = domain::to_json(domain);
  lease["node"] = node_;
  lease["boot"] = boot_;
  layout::replace_state_file(layout_, layout_.domain_lease(domain.uuid),
                             lease.dump(2, ' ', false, json::error_handler_t::replace) + "\n", Durability::synced);
}

bool DomainLeases::release(const std::string& uuid) {
  const auto lease = read_lease(layout_.domain_lease(uuid), uuid);
  if (!lease || lease->node != node_) return false;
  remove_file(layout_.domain_lease(uuid));
  return true;
}

std::vector<domain::KnownDomain> DomainLeases::all() const {
  std::vector<domain::KnownDomain> held;
  for (Lease& lease : read_all(layout_)) {
    if (lease.node == node_ && lease.boot == boot_) held.push_back(std::move(lease.domain));
  }
  return held;
}

std::multimap<std::string, domain::KnownDomain> DomainLeases::others() const {
  std::multimap<std::string, domain::KnownDomain> held;
  for (Lease& lease : read_all(layout_)) {
    if (lease.node != node_) held.emplace(lease.node, std::move(lease.domain));
  }
  return held;
}

}  // namespace basecache::cache
