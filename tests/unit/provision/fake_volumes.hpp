#pragma once

#include <boost/filesystem/operations.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/provision/volume_store.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/fetch/fakes.hpp"

namespace basecache::test {

using namespace basecache::provision;

// Volumes that are files of a directory, staged ones with ".staged" behind their name. An instance's are called
// "<uuid>_<disk>".
class FakeVolumes : public VolumeStore {
 public:
  explicit FakeVolumes(Path directory) : directory_(std::move(directory)) { make_directories(directory_); }

  std::vector<DiskVolume> volumes(const OpContext&) override {
    if (listing_fails) throw Error(ErrorCode::storage_unusable, "there is no volume group 'fake'");
    std::vector<DiskVolume> found;
    for (std::string name : names_in(directory_)) {
      DiskVolume volume{.instance = name.substr(0, kUuidSize), .disk = {}, .path = directory_ / name};
      name.erase(0, kUuidSize + 1);
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
  static constexpr std::size_t kUuidSize = 36;
  static constexpr std::string_view kStaged = ".staged";
  Path directory_;
};

}  // namespace basecache::test
