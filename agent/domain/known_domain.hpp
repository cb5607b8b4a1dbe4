#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/path.hpp"

namespace basecache::domain {

// A file or block device that a domain names.
struct DomainFile {
  Path path;
  std::string format = {};  // QEMU's name of what it is, as the domain says; "" where it doesn't
  std::string role = {};    // for people: "disk vda", "kernel", "disk vda of snapshot 'before'"
};

// A domain, whoever runs it, as far as its files go.
struct KnownDomain {
  std::string uuid;  // "" where its text has none
  std::string name;
  std::vector<DomainFile> files = {};
  bool is_active = false;  // it runs, as its hypervisor says
};

}  // namespace basecache::domain
