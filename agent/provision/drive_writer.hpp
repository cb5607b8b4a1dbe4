#pragma once

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/metadata/drive_contents.hpp"

namespace basecache::provision {

// Writes a medium that carries the guest's metadata. Its label is exactly "config-2".
class DriveWriter {
 public:
  virtual ~DriveWriter() = default;
  virtual void write_drive(const Path& file, const metadata::DriveContents& contents, OpContext& op) = 0;
};

}  // namespace basecache::provision
