#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/image/property_reader.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::image {

// The block devices that an image names for its instances: the properties block_device_mapping (as EC2 had it, or,
// with bdm_v2, as Nova's API has it) and mappings (nova/block_device.py, BlockDeviceDict).
struct ImageBlockDevices {
  // `volume`: one that is there (volume_id). `left_out`: what the image takes back (no_device), and what only the
  // request can bring, since somebody makes a volume first: of a snapshot, an image, or blank.
  enum class Kind { ephemeral, swap, volume, left_out };

  struct Entry {
    Kind kind = Kind::left_out;
    std::string device_name = {};                  // "vdb"; "" when open
    std::uint64_t size = 0;                        // GiB, of swap MiB as in the flavor; 0: the flavor's
    std::optional<std::string> guest_format = {};  // of an ephemeral disk
    std::optional<std::int64_t> boot_index = {};   // 0: the root device
  };

  std::vector<Entry> listed = {};  // block_device_mapping
  std::vector<Entry> mapped = {};  // mappings: those that `listed` doesn't name
  bool is_legacy = true;           // boot_index isn't told: a volume on the root device is booted

  // Members that nobody knows are passed over; the reader's error for a wrong value of the others.
  static ImageBlockDevices parse(const PropertyReader& read);
};

// What the request has, and behind it what the image names besides, as Nova merges them by device
// (nova/compute/api.py, _check_and_transform_bdm). A disk or a volume of the image without a name adds nothing where
// the request has some of the kind: it may be the one that the image means, with the name that Nova gave it.
// `root_device_name`: where a legacy volume is booted from, and one that has no name.
// Error(disk_too_small) where the flavor has less (_validate_bdm); Error(`code`) for a second swap or boot volume.
model::BlockDevices with_devices_of(const ImageBlockDevices& image, model::BlockDevices asked,
                                    const model::Flavor& flavor, const std::string& root_device_name, ErrorCode code);

}  // namespace basecache::image
