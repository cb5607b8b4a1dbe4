#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {

bool is_qemu(const Hypervisor& hypervisor) {
  return hypervisor.virt_type == model::VirtType::kvm || hypervisor.virt_type == model::VirtType::qemu;
}

const std::string& arch_of(const Domain& domain, const Hypervisor& hypervisor) {
  return domain.hardware.arch.empty() ? hypervisor.arch : domain.hardware.arch;
}

bool is_emulated(const Domain& domain, const Hypervisor& hypervisor) {
  return is_qemu(hypervisor) && arch_of(domain, hypervisor) != hypervisor.arch;
}

bool is_pc(const Domain& domain, const Hypervisor& hypervisor) {
  const std::string& arch = arch_of(domain, hypervisor);
  return arch == "x86_64" || arch == "i686";
}

bool has_kvm(const Domain& domain, const Hypervisor& hypervisor) {
  return hypervisor.virt_type == model::VirtType::kvm && !is_emulated(domain, hypervisor);
}

void set(pugi::xml_node node, const char* attribute, std::string_view value) {
  node.append_attribute(attribute).set_value(std::string(value).c_str());
}

void set(pugi::xml_node node, const char* attribute, std::uint64_t value) {
  set(node, attribute, std::to_string(value));
}

pugi::xml_node add_text(pugi::xml_node parent, const char* name, std::string_view text) {
  pugi::xml_node node = parent.append_child(name);
  node.text().set(std::string(text).c_str());
  return node;
}

}  // namespace basecache::domain
