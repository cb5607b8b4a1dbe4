#include "backends/disk/ext_file_system.hpp"

#include <fcntl.h>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/subprocess.hpp"

namespace basecache::disk {
namespace {

// The superblock begins at 1024; s_magic is 56 bytes into it, little-endian (Linux, fs/ext4/ext4.h).
constexpr std::size_t kMagicAt = 1024 + 56;
constexpr std::string_view kExtMagic = "\x53\xef";
constexpr std::size_t kBootSignatureAt = 510;
constexpr std::string_view kBootSignature = "\x55\xaa";
constexpr std::size_t kGptAt = 512;
constexpr std::string_view kGptMagic = "EFI PART";

Command command(std::vector<std::string> argv) { return {.argv = std::move(argv), .environment = {}, .on_stdout = {}}; }

// e2fsck(8): 0 clean, 1 corrected, 2 corrected and to be remounted, which nobody has to do here.
bool is_sound(const Path& disk, const OpContext& op) {
  const int status = run(command({"e2fsck", "-fp", disk.native()}), op).status;
  return status >= 0 && status <= 2;
}

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

bool grow_ext(const Path& disk, const OpContext& op) {
  if (!is_sound(disk, op)) return false;
  try {
    run_checked(command({"resize2fs", disk.native()}), op, "grow the file system");
    return true;
  } catch (const Error& error) {
    if (is_refusal(error)) return false;
    throw;
  }
}

}  // namespace basecache::disk
