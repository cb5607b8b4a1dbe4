#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/model/base_file_spec.hpp"

namespace basecache::cache {

// Makes the base files that hold no image: empty file systems and swap space.
class BlankFormatter {
 public:
  virtual ~BlankFormatter() = default;

  // `file` is an empty sparse file of its final size. Error(invalid_request) for a file system we can't make,
  // Error(tool_failed) when its mkfs is missing or the operator's command fails.
  virtual void format_ephemeral(const Path& file, const model::EphemeralBase& blank, OpContext& op) = 0;
  virtual void format_swap(const Path& file, OpContext& op) = 0;
};

}  // namespace basecache::cache
