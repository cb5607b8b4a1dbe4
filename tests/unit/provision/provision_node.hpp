#pragma once

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/provision/instances.hpp"
#include "agent/provision/provisioner.hpp"
#include "tests/unit/cache/fakes.hpp"
#include "tests/unit/provision/fake_injector.hpp"
#include "tests/unit/provision/fake_volumes.hpp"

namespace basecache::test {

using namespace basecache::provision;

inline const std::string kUuid = "9a2d629d-0000-4000-8000-000000000001";

// "Makes" a disk by writing its base's name into it; sizes are kept in memory.
class FakeDisk : public DiskBackend {
 public:
  explicit FakeDisk(model::DiskFormat format) : format_(format) {}

  MadeDisk create_disk(const DiskPlace& place, std::optional<Bytes> size, const cache::BaseFile& base,
                       OpContext&) override {
    write_file(place.staged, base.key().text());
    if (place.disk == fails_on) throw Error(ErrorCode::no_space, "the fake disk is full");
    if (before_end) before_end();
    return {format_, size.value_or(base.virtual_size()), io};
  }
  MadeDisk grow_disk(const DiskPlace&, std::optional<Bytes> size, OpContext&) override {
    if (size && *size < standing) throw Error(ErrorCode::disk_too_small, "less is asked for than there is");
    ++grown;
    return {format_, size.value_or(std::max(standing, Bytes{1})), io};
  }
  std::optional<ExpectedDisk> expected(std::optional<model::DiskFormat>) const override {
    return ExpectedDisk{format_, io};
  }
  std::string fails_on;
  std::function<void()> before_end;
  int grown = 0;
  Bytes standing = {};  // of the disks that are there
  DiskIo io = DiskIo::automatic;

 private:
  model::DiskFormat format_;
};

class FakeDrive : public DriveWriter {
 public:
  void write_drive(const Path& file, const metadata::DriveContents&, OpContext&) override {
    write_file(file, "drive");
    if (fails) throw Error(ErrorCode::no_space, "the fake drive is full");
  }
  bool fails = false;
};

// Of the size that tells a vfat drive.
class FakeVfatDrive : public DriveWriter {
 public:
  void write_drive(const Path& file, const metadata::DriveContents&, OpContext&) override {
    write_file(file, "vfat");
    boost::filesystem::resize_file(file, model::kVfatDriveSize.count);
  }
};

struct ProvisionNode : FakeNode {
  ProvisionNode() : FakeNode("bytes") {}

  // Root, ephemeral and swap disk and config drive, with `more` over it.
  InstanceDisks create(const nlohmann::json& more);
  // By a provisioner of another configuration.
  InstanceDisks create(const nlohmann::json& more, Provisioner& by);
  InstanceDisks create();
  std::vector<std::string> volume_names() const { return names_in(volumes.directory()); }
  std::vector<std::string> seen() const { return names_in(layout.instances_path()); }

  FakeDisk raw{model::DiskFormat::raw};
  FakeDisk qcow2{model::DiskFormat::qcow2};
  FakeDisk lvm{model::DiskFormat::raw};
  ScratchDir volume_scratch;
  FakeVolumes volumes{volume_scratch.path()};
  FakeDrive drive;
  FakeVfatDrive vfat_drive;
  FakeInjector injector;
  Backends backends{raw, qcow2, lvm, volumes, drive, vfat_drive, injector};
  Provisioner provisioner{images, backends,        {},
                          false,  InstanceFiles(), {.injects = {.partition = injection::kInspect, .key = true}}};
  Instances instances{layout, backends};
  std::stop_source stop;
};

inline const std::vector<std::string> kEmptyNode{"_base", "locks"};
inline const std::vector<std::string> kOneInstance{kUuid, "_base", "locks"};

}  // namespace basecache::test
