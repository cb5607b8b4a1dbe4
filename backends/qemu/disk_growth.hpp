#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/model/disk_format.hpp"
#include "backends/qemu/confined_qemu_img.hpp"

namespace basecache::qemu {

// Grows an existing disk with qemu-img, raw ones too, because it respects QEMU's lock of the file: whoever resizes the
// disk under a running guest, or its file system, destroys it. Error(in_use) when a guest has it open.
void grow_disk(const ConfinedQemuImg& qemu_img, const Path& disk, model::DiskFormat format, Bytes size,
               const OpContext& op);

}  // namespace basecache::qemu
