#pragma once

#include <string>

#include "agent/model/instance_spec.hpp"

namespace basecache::metadata {

// What the guest calls its key. A key that nobody named is "default"; Nova's all have names.
inline std::string key_name_of(const model::InstanceSpec& spec) {
  return spec.key_name.empty() && !spec.key_data.empty() ? "default" : spec.key_name;
}

}  // namespace basecache::metadata
