#pragma once

#include <optional>
#include <string_view>

namespace basecache::model {

// Formats of images and disks that we read. Everything else is recognised by the inspector and refused.
enum class DiskFormat { raw, qcow2, vmdk, vpc, vhdx, vdi };

// QEMU's name for it ("vpc"), as -f, -F, disk.info and libvirt want it.
std::string_view qemu_name(DiskFormat format);

// From a registry's disk_format or a caller's word: QEMU's names plus Glance's "vhd" (vpc), and "iso", "ami",
// "aki", "ari", which are raw bytes (nova/virt/images.py). Nothing for a word we don't know.
std::optional<DiskFormat> disk_format_from(std::string_view name);

// How the disks of an instance are made ([libvirt] images_type).
enum class ImagesType { raw, qcow2, lvm };

std::string_view name_of(ImagesType type);
std::optional<ImagesType> images_type_from(std::string_view name);  // "flat" is raw, "default" has been resolved

}  // namespace basecache::model
