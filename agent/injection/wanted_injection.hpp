#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/injection/injection.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::injection {

// [libvirt] inject_partition, inject_key, inject_password, with Nova's defaults.
struct InjectionSettings {
  int partition = kSwitchedOff;
  bool key = false;
  bool password = false;
  bool is_container = false;  // virt_type lxc: the root disk is one file system
};

// What goes into the root disk of that instance; nothing where injection is switched off or there is nothing to put in.
// Whether it has a config drive instead, or no root disk, is the caller's to know.
// As LibvirtDriver._inject_data: a root disk that is booted with a kernel of its own has no partitions; a rescue gets
// no files (LibvirtDriver.rescue). `network_file`: the text of /etc/network/interfaces; "": none.
std::optional<Injection> wanted_injection(const model::InstanceSpec& spec, const InjectionSettings& settings,
                                          const std::string& network_file);

// meta.js, as Python's json.dumps writes it, keys in order: {"a": "1", "b": "2"}.
std::string metadata_text(const std::map<std::string, std::string>& metadata);

}  // namespace basecache::injection
