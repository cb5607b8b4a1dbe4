#include "backends/libvirt/library.hpp"

#include <dlfcn.h>

#include <string>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::libvirt {
namespace {

constexpr const char* kSoname = "libvirt.so.0";

Error unusable(const std::string& why) {
  Error error(ErrorCode::tool_failed, "libvirt's library can't be used: " + why);
  error.set_hint(
      "install libvirt0 (5.6 or newer), or set [basecache] domains = none where libvirt runs nothing that stands on "
      "these base files");
  return error;
}

std::string loader_error() {
  const char* const text = ::dlerror();
  return text == nullptr ? "nobody knows why" : quote(text);
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) throw unusable(loader_error());
}

}  // namespace

Library::Library() {
  void* const library = ::dlopen(kSoname, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw unusable(loader_error());
  find(library, "virSetErrorFunc", set_error_func);
  find(library, "virGetLastError", get_last_error);
  find(library, "virConnectOpenReadOnly", connect_open_read_only);
  find(library, "virConnectClose", connect_close);
  find(library, "virConnectListAllDomains", connect_list_all_domains);
  find(library, "virDomainGetName", domain_get_name);
  find(library, "virDomainGetXMLDesc", domain_get_xml_desc);
  find(library, "virDomainIsActive", domain_is_active);
  find(library, "virDomainFree", domain_free);
  find(library, "virDomainHasManagedSaveImage", domain_has_managed_save_image);
  find(library, "virDomainManagedSaveGetXMLDesc", domain_managed_save_get_xml_desc);
  find(library, "virDomainListAllSnapshots", domain_list_all_snapshots);
  find(library, "virDomainSnapshotGetXMLDesc", domain_snapshot_get_xml_desc);
  find(library, "virDomainSnapshotFree", domain_snapshot_free);
  find(library, "virDomainListAllCheckpoints", domain_list_all_checkpoints);
  find(library, "virDomainCheckpointGetXMLDesc", domain_checkpoint_get_xml_desc);
  find(library, "virDomainCheckpointFree", domain_checkpoint_free);
  find(library, "virStoragePoolLookupByName", storage_pool_lookup_by_name);
  find(library, "virStoragePoolFree", storage_pool_free);
  find(library, "virStorageVolLookupByName", storage_vol_lookup_by_name);
  find(library, "virStorageVolGetPath", storage_vol_get_path);
  find(library, "virStorageVolFree", storage_vol_free);
}

}  // namespace basecache::libvirt
