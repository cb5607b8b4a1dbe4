#include "agent/cache/domain_leases.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/machine.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/domain/domain_message.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::cache {

struct DomainLease {
  domain::KnownDomain domain;
  std::string node;
  std::string boot;
  uid_t uid = 0;            // whose libvirt told of it
  std::time_t held_at = 0;  // when it did so last
};

namespace {

using nlohmann::json;

constexpr std::string_view kEnd = ".json";
// kMostFiles of them with the longest paths.
constexpr Bytes kLargestLease = mebibytes(64);
// Longer than any hook waits (hook_deadline): meanwhile a domain is being started and needn't be active.
constexpr std::time_t kBeingStarted = 600;

std::string first_line(const Path& file) {
  const std::string text = read_small_file(file).value_or("");
  return text.substr(0, text.find('\n'));
}

std::optional<DomainLease> read_lease(const Path& file, const std::string& uuid) {
  try {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0 && errno == ENOENT) return std::nullopt;
    const auto text = read_small_file(file, kLargestLease);
    if (!text) return std::nullopt;
    const json object = json::parse(*text);
    model::JsonFields fields(object, "");
    DomainLease lease{.domain = domain::read_domain(uuid, fields), .node = {}, .boot = {}};
    lease.node = object.at("node").get<std::string>();
    lease.boot = object.at("boot").get<std::string>();
    lease.uid = object.value("uid", uid_t{0});
    lease.held_at = found.st_mtim.tv_sec;
    return lease;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::storage_unusable,
                "the lease " + quote(file.native()) + " of a domain can't be read: " + error.what())
        .set_hint("remove it when that domain doesn't run");
  }
}

// Held while a lease is made, and between the look at one and its removal: another process may do the one of the two.
class Change {
 public:
  explicit Change(const layout::CacheLayout& layout) : file_(made(layout) / ".lock"), lock_(file_) {}

 private:
  static Path made(const layout::CacheLayout& layout) {
    layout::make_state_directory(layout, layout.domain_lease_directory());
    return layout.domain_lease_directory();
  }
  FileLock file_;
  ExclusiveLock lock_;
};

// Nothing for what else stands there.
std::optional<std::string> uuid_of(const Path& file) {
  const std::string name = file.filename().native();
  if (!name.ends_with(kEnd)) return std::nullopt;
  std::string uuid = name.substr(0, name.size() - kEnd.size());
  return is_uuid(uuid) ? std::optional(std::move(uuid)) : std::nullopt;
}

std::vector<DomainLease> read_all(const layout::CacheLayout& layout) {
  std::vector<DomainLease> leases;
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
void DomainLeases::hold(const domain::KnownDomain& domain, uid_t by) {
  json lease = domain::to_json(domain);
  lease["node"] = node_;
  lease["boot"] = boot_;
  lease["uid"] = by;
  const Change change(layout_);
  if (by != 0) {
    const auto standing = read_lease(layout_.domain_lease(domain.uuid), domain.uuid);
    if (standing && standing->node == node_ && standing->boot == boot_ && standing->uid != by) {
      throw Error(ErrorCode::forbidden, "another user's libvirt runs a domain of the UUID " + domain.uuid);
    }
  }
  layout::replace_state_file(layout_, layout_.domain_lease(domain.uuid),
                             lease.dump(2, ' ', false, json::error_handler_t::replace) + "\n", Durability::synced);
}

bool DomainLeases::release(const std::string& uuid, uid_t by) {
  const auto lease = read_lease(layout_.domain_lease(uuid), uuid);
  if (!lease || lease->node != node_ || (by != 0 && by != lease->uid)) return false;
  remove_file(layout_.domain_lease(uuid));
  return true;
}

// Another user's libvirt isn't the one that was asked.
bool DomainLeases::counts(const DomainLease& lease, const std::set<std::string>* active) const {
  if (lease.node != node_) return true;
  if (lease.boot != boot_) return false;
  const bool is_told = active != nullptr && (lease.uid == 0 || lease.uid == ::geteuid());
  return !is_told || active->contains(lease.domain.uuid) || std::time(nullptr) - lease.held_at < kBeingStarted;
}

std::vector<domain::KnownDomain> DomainLeases::all(const std::set<std::string>* active) const {
  std::vector<domain::KnownDomain> held;
  for (DomainLease& lease : read_all(layout_)) {
    if (lease.node == node_ && counts(lease, active)) held.push_back(std::move(lease.domain));
  }
  return held;
}

std::multimap<std::string, domain::KnownDomain> DomainLeases::others() const {
  std::multimap<std::string, domain::KnownDomain> held;
  for (DomainLease& lease : read_all(layout_)) {
    if (lease.node != node_) held.emplace(lease.node, std::move(lease.domain));
  }
  return held;
}

void DomainLeases::remove_ended(const std::set<std::string>* active) {
  for (const Path& file : layout::state_files(layout_.domain_lease_directory())) {
    const auto uuid = uuid_of(file);
    if (!uuid) continue;
    const auto seen = read_lease(file, *uuid);
    if (!seen || counts(*seen, active)) continue;
    const Change change(layout_);
    const auto lease = read_lease(file, *uuid);
    if (lease && !counts(*lease, active)) remove_file(file);
  }
}

}  // namespace basecache::cache
