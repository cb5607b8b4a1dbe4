#pragma once

#include <pugixml.hpp>
#include <string_view>

#include "agent/domain/domain.hpp"

// What domain_xml() is put together from: each adds its elements to the domain's own.
namespace basecache::domain {

void add_boot(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);     // os
void add_clock(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);    // features, clock
void add_devices(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);  // devices

bool is_qemu(const Hypervisor& hypervisor);
bool is_pc(const Hypervisor& hypervisor);

void set(pugi::xml_node node, const char* attribute, std::string_view value);
pugi::xml_node add_text(pugi::xml_node parent, const char* name, std::string_view text);

}  // namespace basecache::domain
