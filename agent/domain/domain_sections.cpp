#include "agent/domain/domain_sections.hpp"

#include <string>

namespace basecache::domain {

bool is_qemu(const Hypervisor& hypervisor) {
  return hypervisor.virt_type == model::VirtType::kvm || hypervisor.virt_type == model::VirtType::qemu;
}

bool is_pc(const Hypervisor& hypervisor) { return hypervisor.arch == "x86_64" || hypervisor.arch == "i686"; }

void set(pugi::xml_node node, const char* attribute, std::string_view value) {
  node.append_attribute(attribute).set_value(std::string(value).c_str());
}

pugi::xml_node add_text(pugi::xml_node parent, const char* name, std::string_view text) {
  pugi::xml_node node = parent.append_child(name);
  node.text().set(std::string(text).c_str());
  return node;
}

}  // namespace basecache::domain
