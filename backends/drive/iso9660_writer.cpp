#include "backends/drive/iso9660_writer.hpp"

#include <fcntl.h>

#include <cstdint>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/model/drive_format.hpp"
#include "backends/drive/iso_image_tree.hpp"
#include "backends/drive/libisofs.hpp"

namespace basecache::drive {
namespace {

// What guests look for (nova/virt/configdrive.py, cloud-init's ConfigDrive source).
const std::string kVolumeId = "config-2";
constexpr int kKeepLocale = 1;  // bit0 of iso_init_with_flag: setlocale() isn't for a library to call

// All of it at once. libisofs drops what it has when its image ends within a read, so no more may be asked for than
// there is.
std::vector<std::byte> read_image(burn_source& source) {
  const auto length = static_cast<std::uint64_t>(source.get_size(&source));
  if (length >= model::kVfatDriveSize.count) {
    throw Error(ErrorCode::invalid_request, "the files don't fit on a config drive, which is smaller than 64 MiB")
        .set_hint("leave out files, or make them smaller");
  }
  std::vector<std::byte> image(length);
  auto* const buffer = reinterpret_cast<unsigned char*>(image.data());
  const int size = static_cast<int>(image.size());
  const int count = source.read == nullptr ? source.read_xt(&source, buffer, size) : source.read(&source, buffer, size);
  if (count != size) throw Error(ErrorCode::internal, "cannot make the config drive: libisofs stopped before its end");
  return image;
}

}  // namespace

Iso9660Writer::Iso9660Writer() {
  check_iso(iso_init_with_flag(kKeepLocale), "start libisofs");
  // Without a locale libisofs would take names for ASCII.
  std::string names = "UTF-8";
  check_iso(iso_set_local_charset(names.data(), 0), "set the character set of libisofs");
  std::string never = "NEVER";
  std::string nobody;
  check_iso(iso_set_msgs_severities(never.data(), never.data(), nobody.data()), "silence libisofs");
}

// Others wait for libisofs, but not for this drive's file.
std::vector<std::byte> Iso9660Writer::image_of(const metadata::DriveContents& contents, const OpContext& op) {
  const std::lock_guard guard(mutex_);
  op.check();
  IsoImageTree tree(kVolumeId);
  for (const metadata::DriveFile& one : contents) tree.add(one);
  return read_image(*tree.bytes());
}

void Iso9660Writer::write_drive(const Path& file, const metadata::DriveContents& contents, OpContext& op) {
  const std::vector<std::byte> image = image_of(contents, op);
  const UniqueFd fd = open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  write_all(fd.get(), image, file);
}

}  // namespace basecache::drive
