#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

namespace basecache::libvirt {

// libvirt's library, loaded when somebody makes this and not linked: it brings two dozen libraries (5 of 14 ms of a
// program's start), and nodes without libvirt need none of them. Each function is of the type that its header says.
// Never unloaded. Error(tool_failed) when it isn't installed or is too old.
struct Library {
  Library();

  decltype(&::virSetErrorFunc) set_error_func = nullptr;
  decltype(&::virGetLastError) get_last_error = nullptr;
  decltype(&::virConnectOpenReadOnly) connect_open_read_only = nullptr;
  decltype(&::virConnectClose) connect_close = nullptr;
  decltype(&::virConnectListAllDomains) connect_list_all_domains = nullptr;
  decltype(&::virDomainGetName) domain_get_name = nullptr;
  decltype(&::virDomainGetXMLDesc) domain_get_xml_desc = nullptr;
  decltype(&::virDomainIsActive) domain_is_active = nullptr;
  decltype(&::virDomainFree) domain_free = nullptr;
  decltype(&::virDomainHasManagedSaveImage) domain_has_managed_save_image = nullptr;
  decltype(&::virDomainManagedSaveGetXMLDesc) domain_managed_save_get_xml_desc = nullptr;
  decltype(&::virDomainListAllSnapshots) domain_list_all_snapshots = nullptr;
  decltype(&::virDomainSnapshotGetXMLDesc) domain_snapshot_get_xml_desc = nullptr;
  decltype(&::virDomainSnapshotFree) domain_snapshot_free = nullptr;
  decltype(&::virDomainListAllCheckpoints) domain_list_all_checkpoints = nullptr;
  decltype(&::virDomainCheckpointGetXMLDesc) domain_checkpoint_get_xml_desc = nullptr;
  decltype(&::virDomainCheckpointFree) domain_checkpoint_free = nullptr;
  decltype(&::virStoragePoolLookupByName) storage_pool_lookup_by_name = nullptr;
  decltype(&::virStoragePoolFree) storage_pool_free = nullptr;
  decltype(&::virStorageVolLookupByName) storage_vol_lookup_by_name = nullptr;
  decltype(&::virStorageVolGetPath) storage_vol_get_path = nullptr;
  decltype(&::virStorageVolFree) storage_vol_free = nullptr;
};

}  // namespace basecache::libvirt
