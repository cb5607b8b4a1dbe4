#include "agent/domain/domain_xml.hpp"

#include <sstream>
#include <string>

#include "agent/domain/domain_sections.hpp"
#include "agent/domain/instance_metadata.hpp"

namespace basecache::domain {
namespace {

constexpr std::string_view kMark =
    "<!-- Made by basecache, and made anew by the next creation: take this line out to keep what is changed here. "
    "-->\n";

}  // namespace

std::string domain_xml(const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("domain");
  set(root, "type", model::name_of(is_emulated(domain, hypervisor) ? model::VirtType::qemu : hypervisor.virt_type));
  add_text(root, "name", domain.uuid);
  add_text(root, "uuid", domain.uuid);
  add_text(root, "memory", std::to_string(domain.memory_mb));
  set(root.child("memory"), "unit", "MiB");
  add_text(root, "vcpu", std::to_string(domain.vcpus));
  add_metadata(root, domain);
  add_boot(root, domain, hypervisor);
  add_features(root, domain, hypervisor);
  add_processors(root, domain, hypervisor);
  add_clock(root, domain, hypervisor);
  add_devices(root, domain, hypervisor);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_indent | pugi::format_no_declaration);
  return std::string(kMark) + text.str();
}

bool is_made_here(std::string_view text) { return text.starts_with(kMark); }

// Inside a text or an attribute there is no '<'.
bool holds_no_request(std::string_view text) {
  const std::size_t start = text.find(std::string("</") + kInstancePrefix + ":" + kInstanceElement + ">");
  return is_made_here(text) && start == text.npos;
}

std::string_view without_mark(std::string_view text) {
  while (is_made_here(text)) text.remove_prefix(kMark.size());
  return text;
}

}  // namespace basecache::domain
