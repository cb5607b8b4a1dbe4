#include "agent/domain/domain_sections.hpp"
#include "agent/domain/instance_metadata.hpp"

namespace basecache::domain {

void add_metadata(pugi::xml_node root, const Domain& domain) {
  const std::string prefix = kInstancePrefix;
  const std::string name = prefix + ":" + kInstanceElement;
  pugi::xml_node instance = root.append_child("metadata").append_child(name.c_str());
  set(instance, ("xmlns:" + prefix).c_str(), kInstanceNamespace);
  if (!domain.request.empty()) instance.text().set(domain.request.c_str());
}

}  // namespace basecache::domain
