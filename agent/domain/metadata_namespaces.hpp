#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/domain/instance_metadata.hpp"

namespace basecache::domain {

// nova/virt/libvirt/config.py, NOVA_NS, and the one before it (Train's and older).
inline constexpr std::array<std::string_view, 2> kNovaNamespaces{"http://openstack.org/xmlns/libvirt/nova/1.1",
                                                                 "http://openstack.org/xmlns/libvirt/nova/1.0"};

inline bool mentions_ours(std::string_view xml) { return xml.find(kInstanceNamespace) != std::string_view::npos; }

// Whether a domain's description may say anything of ours at all: a quick look, for most are somebody else's.
inline bool may_be_ours(std::string_view xml) {
  const auto mentioned = [xml](std::string_view name) { return xml.find(name) != std::string_view::npos; };
  return mentions_ours(xml) || std::any_of(kNovaNamespaces.begin(), kNovaNamespaces.end(), mentioned);
}

}  // namespace basecache::domain
