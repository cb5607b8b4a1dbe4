#include "backends/libvirt/domain_listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/domain/domain_files.hpp"
#include "backends/libvirt/library.hpp"

namespace basecache::libvirt {
namespace {

constexpr const char* kIsItRunning =
    "start libvirt's daemon (see [libvirt] connection_uri), or set [basecache] domains = none where libvirt runs "
    "nothing that stands on these base files";

template <class Object>
using Held = std::unique_ptr<Object, int (*)(Object*)>;

// What libvirt hands out, by malloc().
using Text = std::unique_ptr<char, decltype(&::free)>;

class Listing {
 public:
  explicit Listing(const std::string& uri) : connection_(nullptr, library_.connect_close) {
    library_.set_error_func(nullptr, [](void*, virErrorPtr) {});  // not on stderr
    connection_.reset(library_.connect_open_read_only(uri.c_str()));
    if (!connection_) throw last_error("connect to libvirt at " + quote(uri)).set_hint(kIsItRunning);
  }

  void each(const std::function<void(const domain::KnownDomain&)>& take) {
    virDomainPtr* list = nullptr;
    const int count = library_.connect_list_all_domains(connection_.get(), &list, 0);
    if (count < 0) throw last_error("list the domains").set_hint(kIsItRunning);
    for (auto& domain : taken(list, count, library_.domain_free)) {
      if (const auto known = known_of(domain.get())) take(*known);
      domain.reset();
    }
  }

 private:
  template <class Object>
  static std::vector<Held<Object>> taken(Object** list, int count, int (*release)(Object*)) {
    std::vector<Held<Object>> objects;
    for (int i = 0; i < count; ++i) objects.emplace_back(list[i], release);
    ::free(list);
    return objects;
  }

  int last_code() const {
    const virErrorPtr error = library_.get_last_error();
    return error == nullptr ? VIR_ERR_OK : error->code;
  }

  Error last_error(std::string_view doing) const {
    const virErrorPtr error = library_.get_last_error();
    const char* const text = error == nullptr ? nullptr : error->message;
    return {ErrorCode::tool_failed, fmt::format("cannot {}: {}", doing, text == nullptr ? "?" : quote(text, 500))};
  }

  // Whether what was asked for has gone since it was listed, or isn't there with this hypervisor.
  bool is_absent() const {
    switch (last_code()) {
      case VIR_ERR_NO_DOMAIN:
      case VIR_ERR_NO_DOMAIN_SNAPSHOT:
      case VIR_ERR_NO_DOMAIN_CHECKPOINT:
      case VIR_ERR_NO_SUPPORT:
        return true;
      default:
        return false;
    }
  }

  // Nothing: no such domain any more.
  std::optional<domain::KnownDomain> known_of(virDomainPtr domain) {
    const char* const name = library_.domain_get_name(domain);
    const std::string doing = fmt::format("read domain {}", quote(name == nullptr ? "" : name));
    return with_context([&] { return doing; },
                        [&]() -> std::optional<domain::KnownDomain> {
                          domain::KnownDomain known;
                          seen_.clear();
                          if (!add(known, library_.domain_get_xml_desc(domain, 0))) return std::nullopt;
                          const int active = library_.domain_is_active(domain);
                          if (active < 0 && !is_absent()) throw last_error("tell whether it runs");
                          known.is_active = active > 0;
                          if (active > 0) add(known, library_.domain_get_xml_desc(domain, VIR_DOMAIN_XML_INACTIVE));
                          add_snapshots(known, domain);
                          add_checkpoints(known, domain);
                          add_managed_save(known, domain);
                          return known;
                        });
  }

  // False when what is described has gone.
  bool add(domain::KnownDomain& known, char* description) {
    const Text xml(description, &::free);
    if (!xml && is_absent()) return false;
    if (!xml) throw last_error("get its description");
    domain::KnownDomain part = domain::known_domain(
        xml.get(), [this](const std::string& pool, const std::string& volume) { return path_of(pool, volume); });
    if (known.uuid.empty()) known.uuid = part.uuid;
    if (known.name.empty()) known.name = part.name;
    for (domain::DomainFile& file : part.files) {
      if (seen_.emplace(file.path.native(), file.format).second) known.files.push_back(std::move(file));
    }
    return true;
  }

  void add_snapshots(domain::KnownDomain& known, virDomainPtr domain) {
    virDomainSnapshotPtr* list = nullptr;
    const int count = library_.domain_list_all_snapshots(domain, &list, 0);
    if (count < 0 && !is_absent()) throw last_error("list its snapshots");
    for (const auto& snapshot : taken(list, count, library_.domain_snapshot_free)) {
      add(known, library_.domain_snapshot_get_xml_desc(snapshot.get(), 0));
    }
  }

  void add_checkpoints(domain::KnownDomain& known, virDomainPtr domain) {
    virDomainCheckpointPtr* list = nullptr;
    const int count = library_.domain_list_all_checkpoints(domain, &list, 0);
    if (count < 0 && !is_absent()) throw last_error("list its checkpoints");
    for (const auto& checkpoint : taken(list, count, library_.domain_checkpoint_free)) {
      add(known, library_.domain_checkpoint_get_xml_desc(checkpoint.get(), 0));
    }
  }

  // Of a domain that was saved as it ran: it goes on with the disks of then.
  void add_managed_save(domain::KnownDomain& known, virDomainPtr domain) {
    const int saved = library_.domain_has_managed_save_image(domain, 0);
    if (saved < 0 && !is_absent()) throw last_error("tell whether it is saved");
    if (saved <= 0) return;
    char* const description = library_.domain_managed_save_get_xml_desc(domain, 0);
    // A libvirt that doesn't show it to readers: the lasting description has to do.
    if (description == nullptr && last_code() == VIR_ERR_OPERATION_DENIED) return;
    add(known, description);
  }

  Path path_of(const std::string& pool_name, const std::string& volume_name) const {
    const std::string doing = fmt::format("find volume {} of storage pool {}", quote(volume_name), quote(pool_name));
    constexpr const char* hint = "start that storage pool ('virsh pool-start'), or undefine the domain";
    const Held<virStoragePool> pool(library_.storage_pool_lookup_by_name(connection_.get(), pool_name.c_str()),
                                    library_.storage_pool_free);
    if (!pool) throw last_error(doing).set_hint(hint);
    const Held<virStorageVol> volume(library_.storage_vol_lookup_by_name(pool.get(), volume_name.c_str()),
                                     library_.storage_vol_free);
    if (!volume) throw last_error(doing).set_hint(hint);
    const Text path(library_.storage_vol_get_path(volume.get()), &::free);
    if (!path) throw last_error(doing).set_hint(hint);
    return *path == '/' ? Path(path.get()) : Path();  // "pool/image" of RBD isn't of this node
  }

  const Library library_;
  Held<virConnect> connection_;
  std::set<std::pair<std::string, std::string>> seen_;  // of the domain that is read: path and format
};

}  // namespace

void list_domains(const std::string& uri, const std::function<void(const domain::KnownDomain&)>& take) {
  Listing(uri).each(take);
}

}  // namespace basecache::libvirt
