#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "agent/model/image_meta.hpp"

namespace basecache::image {

// What an instance remembers of its image: "image_<key>" -> text, in Nova's words (nova/utils.py).
using SystemMetadata = std::map<std::string, std::string>;

// nova/utils.py, get_system_metadata_from_image: every property, cut at 255 bytes between two characters, and the keys
// of the image itself that are inherited: min_ram, min_disk, disk_format, container_format. min_disk is that of the
// flavor where it is larger: what is made of the instance later needs as much; where the image is a VHD it is always
// the flavor's. Left out, as too large for Nova's table: mappings and block_device_mapping.
// `ref`: of the image, as it may be shown ("image_base_image_ref"); "": none.
SystemMetadata system_metadata_of(const model::ImageMeta& meta, std::uint64_t root_gb, std::string_view ref);

// What is left out there and yet decides which disks an instance has, so that a later creation knows it: as the image
// has it, by its own names. Nova keeps it as the block devices in its database.
std::map<std::string, std::string> block_device_properties(const model::ImageMeta& meta);

// nova/utils.py, get_image_from_system_metadata: back again, as far as it was kept. Numbers that aren't are dropped.
model::ImageMeta image_meta_from(const SystemMetadata& system_metadata);

}  // namespace basecache::image
