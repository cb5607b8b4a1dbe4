#pragma once

#include "agent/image/image_properties.hpp"
#include "agent/model/disk_bus.hpp"
#include "agent/model/image_meta.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/model/virt_type.hpp"

namespace basecache::image {

// Whether an instance gets a config drive besides those that the configuration forces: the request or the image wants
// one (nova/virt/configdrive.py, required_by).
bool wants_config_drive(bool is_requested, ConfigDrivePolicy policy);

// The request, with what the image says where the request says nothing, as Nova's API has it (nova/compute/api.py,
// _handle_kernel_and_ramdisk, _validate_and_build_base_options): kernel, ramdisk, os_type, root device, config drive,
// and the block devices. `root_volume`: the root device, where it is a volume by the request; the image doesn't change
// that, nor put the root disk where a volume stands. A rescue, for which `image` is the instance's own, has kernel,
// ramdisk, root device and block devices by the request alone. Errors of with_devices_of().
model::InstanceSpec with_image(model::InstanceSpec spec, const ImageProperties& image,
                               const std::optional<std::string>& root_volume = std::nullopt,
                               ErrorCode code = ErrorCode::image_unacceptable);

// nova/virt/libvirt/blockinfo.py, get_disk_bus_for_device_type: what the image wants, or what its machine needs. An
// image that names a root device and no bus has its disks on virtio, whatever the name.
// Error(`code`) naming the property when this hypervisor has no such bus.
model::BusWishes buses_of(const ImageProperties& image, model::VirtType virt_type,
                          ErrorCode code = ErrorCode::image_unacceptable);

// The guest boots from it in an optical drive (blockinfo.py, get_root_info).
bool is_disc(const model::ImageMeta& meta);

// Before a byte is fetched: the flavor has the memory and the root disk that the image needs (nova/compute/api.py,
// _validate_flavor_image_nostatus). root_gb 0 isn't compared: the disk is then as large as the image. Nor is it for an
// instance on a volume, whose size isn't the flavor's (`has_root_disk` false).
// Error(invalid_request) with the field flavor.memory_mb, Error(disk_too_small).
void require_room(const model::ImageMeta& meta, const model::Flavor& flavor, bool has_root_disk);

}  // namespace basecache::image
