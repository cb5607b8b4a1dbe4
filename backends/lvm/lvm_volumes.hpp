#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/provision/volume_store.hpp"
#include "backends/lvm/dm_crypt.hpp"
#include "backends/lvm/volume_clear.hpp"
#include "backends/lvm/volume_device.hpp"
#include "backends/lvm/volume_group.hpp"

namespace basecache::lvm {

struct LvmSettings {
  std::optional<GroupSettings> group;  // absent: no disk of this node is on LVM
  bool is_required = false;            // where it isn't, a group that isn't there has no volumes
  ClearPolicy clear = {};
  CryptSettings crypt = {};
};

// A volume whose content can be read and written now.
struct OpenVolume {
  Path device;  // of an encrypted one, its plain text
  Bytes size;
  provision::DiskIo io = provision::DiskIo::automatic;  // native, as Nova's, where all space is the volume's own
  Unwritten unwritten = Unwritten::unknown;
};

struct GrownVolume {
  OpenVolume volume;
  // By this call, or by one that was cut short: its file system is to be grown, and then end_growth() to be called.
  bool has_grown = false;
};

// The instance disks of one volume group, called as Nova calls them. A volume has a tag with what it is encrypted with
// ("basecache.key=<uuid>/<cipher>/<bits>" or "basecache.key=none"), since its bytes don't tell; Nova's volumes have
// none.
class LvmVolumes : public provision::VolumeStore {
 public:
  // Error(invalid_request) for names and ciphers that can't be.
  explicit LvmVolumes(LvmSettings settings);

  std::vector<provision::DiskVolume> volumes(const OpContext& op) override;
  provision::DiskPlace place(const provision::VolumeOwner& owner, const std::string& disk) const override;
  void publish(const provision::DiskPlace& place, const OpContext& op) override;
  void remove(const provision::DiskVolume& volume, const OpContext& op) override;

  // A new one at `place.staged`, ready to be written. `data`: what is going to be written of it, where it needn't all
  // be. Errors as VolumeGroup::create and DmCrypt::open.
  OpenVolume create(const provision::DiskPlace& place, Bytes size, Bytes data, const OpContext& op) const;

  // Of the one at `place.path`. Error(not_found); Error(invalid_request) when it is encrypted with another key than
  // `place` says.
  Bytes size_of(const provision::DiskPlace& place, const OpContext& op) const { return existing(place, op).size; }

  // Makes it `size`, or leaves it as it is when it is that large, and opens it. What is new of it reads as zeros, if it
  // isn't encrypted. Errors as size_of(), grow_volume() and DmCrypt::open.
  GrownVolume grow(const provision::DiskPlace& place, Bytes size, const Reached& reached, const OpContext& op) const;
  // Its file system fits it.
  void end_growth(const provision::DiskPlace& place, const OpContext& op) const;

  // Of a new one's disk.
  provision::DiskIo expected_io() const {
    return group().is_linear() ? provision::DiskIo::native : provision::DiskIo::automatic;
  }

  // What LVM makes of a size.
  Bytes whole_extents(Bytes size, const OpContext& op) const { return group().whole_extents(size, op); }

 private:
  const VolumeGroup& group() const;
  std::vector<Volume> listed(const OpContext& op) const;
  Volume existing(const provision::DiskPlace& place, const OpContext& op) const;
  Volume closed(Volume volume, std::string_view verb, const OpContext& op) const;
  OpenVolume opened(const provision::DiskPlace& place, const Volume& volume, const OpContext& op) const;
  void activate(const Volume& volume, const OpContext& op) const;
  void remove_staged(const Volume& volume, const provision::DiskVolume& disk, const OpContext& op) const;
  void wipe(const Volume& volume, const std::string& disk, const OpContext& op) const;
  std::string key_tag(const std::string& key_id) const;
  void require_key(const Volume& volume, const std::string& key_id) const;

  std::optional<VolumeGroup> group_;
  bool is_required_;
  ClearPolicy clear_;
  std::string cipher_;
  DmCrypt crypt_;
};

}  // namespace basecache::lvm
