#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace basecache::domain {

// Whose disks a domain has. ours: its metadata holds our element (instance_metadata.hpp). nova: it holds Nova's
// (nova/virt/libvirt/config.py, LibvirtConfigGuestMetaNovaInstance).
enum class DomainOrigin { ours, nova, foreign };

// What a domain's description says of its disks.
struct DomainRequest {
  DomainOrigin origin = DomainOrigin::foreign;
  std::string uuid;  // "" and
  std::string name;  // "" for a foreign one
  // A creation request (JSON text) with the domain's uuid. Nothing where nothing is to be made: an empty element of
  // ours, an instance of Nova's that boots from a volume or has no disk that we make.
  std::optional<std::string> request = {};
  // Files of an instance of Nova's whose making the description doesn't tell, and why: a line each.
  std::vector<std::string> left_out = {};
};

// From a whole <domain>. Of Nova's element the root image, the flavor (disk and ephemeral in GiB, swap and memory in
// MiB) and the names are taken; of the domain, which disks there are, and images_type, by the root disk: a block device
// is lvm's, another one is of its driver's format. Nothing is taken that no file of the domain needs. Kernel and
// ramdisk are those that the image names. No entities are expanded. Error(invalid_request), without a byte of the
// request in it, for what isn't XML, for a domain with metadata of ours or Nova's and no uuid, and for a request that
// isn't JSON or is another instance's.
DomainRequest domain_request(std::string_view xml);

}  // namespace basecache::domain
