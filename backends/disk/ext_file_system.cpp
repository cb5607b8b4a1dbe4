#include "backends/disk/ext_file_system.hpp"

#include <fcntl.h>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/sandbox/confined_run.hpp"

namespace basecache::disk {
namespace {

// The superblock begins at 1024; s_magic is 56 bytes into it, little-endian (Linux, fs/ext4/ext4.h).
constexpr std::size_t kMagicAt = 1024 + 56;
constexpr std::string_view kExtMagic = "\x53\xef";
constexpr std::size_t kBootSignatureAt = 510;
constexpr std::string_view kBootSignature = "\x55\xaa";
constexpr std::size_t kGptAt = 512;
constexpr std::string_view kGptMagic = "EFI PART";

// e2fsck holds some bits for each block and inode; a file system of 16 TiB needs about 2 GiB.
constexpr Bytes kAddressSpace = gibibytes(4);
constexpr std::chrono::hours kCpuTime{1};

CompletedProcess run_on(const sandbox::OpenedFile& disk, std::vector<std::string> argv, const sandbox::Sandbox& sandbox,
                        const OpContext& op) {
  const sandbox::Limits limits{.address_space = kAddressSpace, .cpu_time = kCpuTime, .file_size = disk.size()};
  argv.push_back(sandbox::descriptor_path(0));
  return sandbox::run_confined(sandbox,
                               {.command = {.argv = std::move(argv)},
                                .files = {&disk},
                                .user = disk.owner(),
                                .limits = limits,
                                .sees_mounts = true},  // resize2fs changes nothing when it can't
                               op);
}

// e2fsck(8): 0 clean, 1 corrected, 2 corrected and to be remounted, which nobody has to do here.
bool is_sound(const CompletedProcess& done) { return done.status >= 0 && done.status <= 2; }

// A refusal ends with an exit code; a tool that is missing or was ended by a signal doesn't.
bool is_refusal(const Error& error) {
  if (error.code() != ErrorCode::tool_failed) return false;
  for (const auto& [name, value] : error.fields()) {
    if (name == "exit") return !value.starts_with('-');
  }
  return false;
}

}  // namespace

bool is_bare_ext(const Path& disk) {
  std::array<char, kMagicAt + kExtMagic.size()> beginning;
  const UniqueFd fd = open_file(disk, O_RDONLY | O_NOFOLLOW);
  if (read_at(fd.get(), std::as_writable_bytes(std::span(beginning)), 0, disk) < beginning.size()) return false;
  const std::string_view bytes(beginning.data(), beginning.size());
  const auto stands_at = [&](std::size_t at, std::string_view magic) {
    return bytes.substr(at, magic.size()) == magic;
  };
  return stands_at(kMagicAt, kExtMagic) && !stands_at(kBootSignatureAt, kBootSignature) &&
         !stands_at(kGptAt, kGptMagic);
}

bool grow_ext(const sandbox::Sandbox& sandbox, const Path& disk, const OpContext& op) {
  const sandbox::OpenedFile file(disk, sandbox::OpenedFile::Access::write);
  if (!is_sound(run_on(file, {"e2fsck", "-fp"}, sandbox, op))) return false;
  try {
    require_success(run_on(file, {"resize2fs"}, sandbox, op), "grow the file system");
    return true;
  } catch (const Error& error) {
    if (is_refusal(error)) return false;
    throw;
  }
}

}  // namespace basecache::disk
