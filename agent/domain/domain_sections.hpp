#pragma once

#include <cstdint>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "agent/domain/domain.hpp"

// What domain_xml() is put together from: each adds its elements to the domain's own.
namespace basecache::domain {

void add_metadata(pugi::xml_node root, const Domain& domain);                                  // metadata
void add_boot(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);        // sysinfo, os
void add_processors(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);  // cputune, cpu
void add_features(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);    // features
void add_clock(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);       // clock
void add_devices(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor);     // devices
void add_disks(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor);

bool is_qemu(const Hypervisor& hypervisor);
// The guest's architecture, and whether it is another one than the node's, and so done by QEMU alone.
const std::string& arch_of(const Domain& domain, const Hypervisor& hypervisor);
bool is_emulated(const Domain& domain, const Hypervisor& hypervisor);
bool is_pc(const Domain& domain, const Hypervisor& hypervisor);
bool has_kvm(const Domain& domain, const Hypervisor& hypervisor);

void set(pugi::xml_node node, const char* attribute, std::string_view value);
void set(pugi::xml_node node, const char* attribute, std::uint64_t value);
pugi::xml_node add_text(pugi::xml_node parent, const char* name, std::string_view text);

}  // namespace basecache::domain
