#pragma once

#include "agent/base/error.hpp"
#include "agent/domain/domain.hpp"
#include "agent/image/image_properties.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::provision {

// What becomes of a TPM and of encrypted memory, which aren't made here: a guest that asks for them isn't to be run
// without, but somebody else may have made its domain.
enum class UnmadeSecurity { refused, noted };

// What the image's properties and the flavor's extra specs say of the machine, and which goes before which, as
// LibvirtDriver._get_guest_config and nova/virt/hardware.py have it. Containers, and what isn't QEMU's, have quotas
// alone: their images' properties mean nothing there, as with Nova.
//
// Error(`code`) names the property that asks for what can't be: more processors' parts than there are, more serial
// ports than the flavor allows, what `security` refuses, a secure boot without the firmware for it, another answer than
// the flavor's. Error(invalid_request) names the extra spec.
domain::GuestHardware hardware_of(const image::ImageProperties& image, const model::Flavor& flavor,
                                  const domain::Hypervisor& hypervisor, ErrorCode code = ErrorCode::image_unacceptable,
                                  UnmadeSecurity security = UnmadeSecurity::refused);

}  // namespace basecache::provision
