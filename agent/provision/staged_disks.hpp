#pragma once

#include <optional>
#include <string>

#include "agent/model/disk_format.hpp"
#include "agent/provision/disk_backend.hpp"

namespace basecache::provision {

// The disks of one instance of one kind (files in its directory, volumes) while it is created: what is there, and where
// new ones are made. What was made becomes visible when the whole creation has succeeded, and is gone when it has not.
class StagedDisks {
 public:
  virtual ~StagedDisks() = default;

  // An existing disk's format, never by probing; nothing when there is no such disk. Error(already_exists) for what is
  // in its place and is no disk that we can tell the format of.
  virtual std::optional<model::DiskFormat> existing(const std::string& disk) const = 0;

  // Where it is, or is going to be.
  virtual DiskPlace place(const std::string& disk) const = 0;

  // The disk at its staged place is whole and of that format.
  virtual void add(const std::string& disk, model::DiskFormat format) = 0;
};

}  // namespace basecache::provision
