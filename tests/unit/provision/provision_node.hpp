#pragma once

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
    return {format_, size.value_or(base.virtual_size())};
  }
  MadeDisk grow_disk(const DiskPlace&, std::optional<Bytes> size, OpContext&) override {
    ++grown;
    return {format_, size.value_or(Bytes{1})};
  }
  std::string fails_on;
  std::function<void()> before_end;
  int grown = 0;

 private:
  model::DiskFormat format_;
};

class FakeDrive : public DriveWriter {
 public:
  void write_drive(const Path& file, const model::DriveContents&, OpContext&) override { write_file(file, "drive"); }
};

// Volumes that are files of a directory, staged ones with ".staged" behind their name. An instance's are called
// "<uuid>_<disk>".
class FakeVolumes : public VolumeStore {
 public:
  explicit FakeVolumes(Path directory) : directory_(std::move(directory)) { make_directories(directory_); }

  std::vector<DiskVolume> volumes(const OpContext&) override {
    if (listing_fails) throw Error(ErrorCode::storage_unusable, "there is no volume group 'fake'");
    std::vector<DiskVolume> found;
    for (std::string name : names_in(directory_)) {
      DiskVolume volume{.instance = name.substr(0, kUuid.size()), .disk = {}, .path = directory_ / name};
      name.erase(0, kUuid.size() + 1);
      volume.is_staged = name.ends_with(kStaged);
      if (volume.is_staged) name.resize(name.size() - kStaged.size());
      volume.disk = name;
      volume.size = sizes_of(volume.path).apparent;
      found.push_back(volume);
    }
    return found;
  }
  DiskPlace place(const VolumeOwner& owner, const std::string& disk) const override {
    const std::string name = owner.instance.text() + "_" + disk;
    return {owner.instance.text(), disk, directory_ / (name + std::string(kStaged)), directory_ / name, owner.key_id};
  }
  void publish(const DiskPlace& place, const OpContext&) override {
    if (place.disk == publish_fails_on) throw Error(ErrorCode::tool_failed, "the fake volume can't be renamed");
    boost::filesystem::rename(place.staged, place.path);
  }
  void remove(const DiskVolume& volume, const OpContext&) override {
    if (volume.disk == in_use) throw Error(ErrorCode::in_use, "somebody has it open");
    remove_file(volume.path);
  }

  const Path& directory() const { return directory_; }
  bool listing_fails = false;
  std::string publish_fails_on;
  std::string in_use;

 private:
  static constexpr std::string_view kStaged = ".staged";
  Path directory_;
};

struct ProvisionNode : FakeNode {
  ProvisionNode() : FakeNode("bytes") {}

  // Root, ephemeral and swap disk and config drive, with `more` over it.
  InstanceDisks create(const nlohmann::json& more);
  InstanceDisks create();
  std::vector<std::string> volume_names() const { return names_in(volumes.directory()); }
  std::vector<std::string> seen() const { return names_in(layout.instances_path()); }

  FakeDisk raw{model::DiskFormat::raw};
  FakeDisk qcow2{model::DiskFormat::qcow2};
  FakeDisk lvm{model::DiskFormat::raw};
  ScratchDir volume_scratch;
  FakeVolumes volumes{volume_scratch.path()};
  FakeDrive drive;
  Backends backends{raw, qcow2, lvm, volumes, drive};
  Provisioner provisioner{images, backends, {}, false};
  Instances instances{layout, backends};
  std::stop_source stop;
};

inline const std::vector<std::string> kEmptyNode{"_base", "locks"};
inline const std::vector<std::string> kOneInstance{kUuid, "_base", "locks"};

}  // namespace basecache::test
