#include "backends/qemu/disk_growth.hpp"

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::qemu {
namespace {

// QEMU: Failed to get "write" lock (block/file-posix.c).
constexpr std::string_view kLockRefused = "Failed to get";

}  // namespace

void grow_disk(const ConfinedQemuImg& qemu_img, const Path& disk, model::DiskFormat format, Bytes size,
               const OpContext& op) {
  try {
    qemu_img.grow(disk, format, size, op);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::tool_failed || error.message().find(kLockRefused) == std::string::npos) throw;
    throw Error(ErrorCode::in_use, "cannot grow " + quote(disk.native()) + ": a guest or another program has it open")
        .set_hint("stop the instance first");
  }
}

}  // namespace basecache::qemu
