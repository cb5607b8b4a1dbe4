#pragma once

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/cache/base_file.hpp"
#include "agent/injection/injection.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::provision {

// A root disk that was just made, which nobody else has seen.
struct NewRootDisk {
  Path path;  // a file, or a block device
  model::DiskFormat format = model::DiskFormat::raw;
  Bytes size = {};  // virtual
  const cache::BaseFile& base;
};

// Puts files into the root file system of a guest that hasn't run yet.
class GuestInjector {
 public:
  virtual ~GuestInjector() = default;

  // All of an item or nothing of it (but directories it needs). What isn't mandatory and can't be put in is a note of
  // the operation. Error where a mandatory item can't be, or the disk can't be written: then the disk is to be thrown
  // away.
  virtual void inject(const NewRootDisk& disk, const injection::Injection& injection, OpContext& op) = 0;
};

}  // namespace basecache::provision
