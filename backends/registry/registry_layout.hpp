#pragma once

#include <string>

#include "agent/base/path.hpp"

namespace basecache::registry {

// Where the directory registry keeps what. `id` is a UUID in lower case.
struct RegistryLayout {
  Path directory;

  Path image(const std::string& id) const { return directory / id; }
  Path record(const std::string& id) const { return directory / (id + ".json"); }

  Path staging() const { return directory / ".importing"; }
  Path staged_image(const std::string& id) const { return staging() / id; }
  Path staged_record(const std::string& id) const { return staging() / (id + ".json"); }
  Path lock(const std::string& id) const { return staging() / (id + ".lock"); }
};

}  // namespace basecache::registry
